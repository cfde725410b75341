-- evaluate_cases(cases, given, context) -> jsonb   (internal)
-- The number, from 0, of the first of the cases [{"when": tree}, …] whose condition is true, evaluated in order and no
-- further; one without a condition is taken. A null where none is. Where a person has given what holds of one, those
-- before it did not.
-- Errors: WF006, with the case in its COLUMN.
create or replace function onceflow.evaluate_cases(p_cases jsonb, p_given jsonb, p_context jsonb) returns jsonb
language plpgsql immutable as $$
declare
    v_given constant int := substring(p_given ->> 'place' from 'case (.*)')::int;
    v_case record;
    v_holds jsonb;
    v_message text;
begin
    for v_case in select c.value, c.n - 1 as n from jsonb_array_elements(p_cases) with ordinality c (value, n) loop
        begin
            v_holds := case
                when v_case.n < v_given then 'false'
                when v_case.n = v_given then p_given -> 'value'
                when v_case.value ? 'when' then onceflow.evaluate(v_case.value -> 'when', p_context)
                else 'true' end;
        exception when sqlstate 'WF006' then
            get stacked diagnostics v_message = message_text;
            raise exception '%', v_message using errcode = 'WF006', column = 'case ' || v_case.n;
        end;
        if v_holds = 'true' then
            return to_jsonb(v_case.n);
        end if;
    end loop;
    return 'null';
end $$;
revoke execute on function onceflow.evaluate_cases(jsonb, jsonb, jsonb) from public;
