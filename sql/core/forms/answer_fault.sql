-- answer_fault(form, decision, answer) -> {message, faults}   (internal)
-- Why an answer does not fit a form, the step's `form` as it was compiled; faults have their places, JSON pointers. Null
-- where it fits.
create or replace function onceflow.answer_fault(p_form jsonb, p_decision text, p_answer jsonb) returns jsonb
language plpgsql immutable as $$
declare
    v_faults jsonb;
    v_fault text;
begin
    if (p_form -> 'decisions' ? p_decision) is not true then
        v_faults := jsonb_build_array(jsonb_build_object('place', '/decision', 'message', 'must be one of '
            || (select string_agg(d, ', ') from jsonb_array_elements_text(p_form -> 'decisions') d)));
    elsif jsonb_typeof(p_answer) <> 'object' then
        v_faults := '[{"place": "/answer", "message": "must be a JSON object; {} where there is nothing to say"}]';
    else
        v_fault := onceflow.payload_error(p_answer) ->> 'message';
        v_faults := case when v_fault is not null
            then jsonb_build_array(jsonb_build_object('place', '/answer', 'message', 'cannot be kept: ' || v_fault))
            when p_form -> 'checks' <> 'null' then (
                select jsonb_agg(jsonb_build_object('place', '/answer' || (f ->> 'place'), 'message', f -> 'message'))
                from jsonb_array_elements(onceflow.check_input(p_form -> 'checks', p_answer)) f) end;
    end if;
    return case when v_faults is not null then jsonb_build_object('faults', v_faults, 'message', format(
        'the answer does not fit the form: %s %s', v_faults #>> '{0,place}', v_faults #>> '{0,message}')) end;
end $$;
revoke execute on function onceflow.answer_fault(jsonb, text, jsonb) from public;
