-- wait_error(kind, value, now) -> error   (internal)
-- Why a step cannot wait for what its expressions gave; null where it can.
create or replace function onceflow.wait_error(p_kind text, p_value jsonb, p_now timestamptz) returns jsonb
language plpgsql stable as $$
begin
    return case
        when p_kind = 'sleep' and onceflow.sleep_until(p_value, p_now) is null
        then jsonb_build_object('code', 'expression', 'place', 'value', 'message', format(
            'sleep takes a number of seconds, a duration such as "5m", or {"until": "2026-12-24T18:00:00Z"}, of at most '
            'ten years, and this is %s', left(p_value::text, 200)))
        when p_value ? 'event' and onceflow.event_key(p_value -> 'key') is null
        then jsonb_build_object('code', 'expression', 'place', 'value', 'message', format(
            'the key of an event is a text of 1 to 255 characters, a number or a boolean, and this is %s',
            left((p_value -> 'key')::text, 200)))
        when p_kind = 'approve' then onceflow.form_error(p_value)
        when p_kind = 'workflow' and coalesce(
            jsonb_typeof(p_value -> 'key') not in ('string', 'number', 'boolean', 'null')
            or length(p_value ->> 'key') not between 1 and 255, false)
        then jsonb_build_object('code', 'expression', 'place', 'value', 'message', format(
            'a key has 1 to 255 characters, and this is %s', left((p_value -> 'key')::text, 200))) end;
end $$;
revoke execute on function onceflow.wait_error(text, jsonb, timestamptz) from public;
