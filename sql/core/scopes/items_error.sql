-- items_error(version, step, value) -> error   (internal)
-- Why a for_each cannot begin with this value; null where it can.
create or replace function onceflow.items_error(p_version_id bigint, p_step text, p_value jsonb) returns jsonb
language plpgsql stable as $$
declare
    v_most constant int := 100000;
    v_needed constant int := (
        select (st.spec ->> 'join')::int from onceflow.step st
        where st.version_id = p_version_id and st.step = p_step);
    v_items constant int := case when jsonb_typeof(p_value) = 'array' then jsonb_array_length(p_value) end;
begin
    return case
        when v_items is null then jsonb_build_object('code', 'expression', 'place', 'value', 'message',
            format('for_each takes an array, and this is %s', case jsonb_typeof(p_value)
                when 'null' then 'null' when 'object' then 'an object' else 'a ' || jsonb_typeof(p_value) end))
        when v_items > v_most then jsonb_build_object('code', 'flow.limit', 'place', 'value', 'message',
            format('for_each takes %s items at most, and these are %s', v_most, v_items))
        when v_items < v_needed then jsonb_build_object('code', 'flow.join', 'place', 'value', 'message',
            format('%s items are to succeed, and there are %s', v_needed, v_items))
        end;
end $$;
revoke execute on function onceflow.items_error(bigint, text, jsonb) from public;
