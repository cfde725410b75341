-- redrive_refusal(takes, has input, given) -> text   (internal)
-- Why an open dead letter that takes this (redrive_takes) is not redriven with what was given, null for
-- nothing; null where it is.
create or replace function onceflow.redrive_refusal(p_takes text, p_has_input boolean, p_given jsonb) returns text
language plpgsql stable as $$
declare
    v_kind constant text := jsonb_typeof(p_given);
begin
    return case
        when p_takes is null then 'nothing can be tried again: skip it with the output that it should give, or discard it'
        when p_takes = 'input' and p_given is null and p_has_input then null
        when p_takes = 'input' and p_given is null then 'it never got an input: give one'
        when p_takes = 'boolean' and v_kind is distinct from 'boolean'
            then 'its condition failed: give what it should have given, true or false'
        when p_takes = 'array' and v_kind is distinct from 'array'
            then 'its expression failed: give the array that it should have given'
        when p_takes = 'error' and jsonb_typeof(p_given -> 'code') is distinct from 'string'
            then 'give the error that it is to fail with: {"code": "…", "message": "…"}'
        when p_takes = 'time' and onceflow.sleep_until(p_given, onceflow.now()) is null
            and onceflow.sleep_until(jsonb_build_object('until', p_given), onceflow.now()) is null
            then 'its expression failed: give for how long it sleeps, "5m" or seconds, or of an `until` the time'
        when p_takes = 'key' and onceflow.event_key(p_given) is null
            then 'its expression failed: give the key of the event, a text'
        when p_given is null then 'its expression failed: give the value that it should have given'
        else 'the input cannot be kept: ' || (onceflow.payload_error(p_given) ->> 'message') end;
end $$;
revoke execute on function onceflow.redrive_refusal(text, boolean, jsonb) from public;
