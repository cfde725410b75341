-- signal_fault(instance, name, key, payload) -> {code, message}   (internal)
-- Why a signal cannot be sent: what was given is none (invalid), there is no such instance (unknown), or it takes none any
-- more (ended). Null where it can.
create or replace function onceflow.signal_fault(
    p_instance onceflow.instance, p_name text, p_key text, p_payload jsonb)
returns jsonb
language plpgsql stable as $$
declare
    v_code text := 'invalid';
    v_message text := case
        when (p_name ~ '^[A-Za-z][A-Za-z0-9_.-]{0,127}$') is not true
            then 'the name of a signal is a letter, then up to 127 letters, digits, . - or _'
        when length(p_key) not between 1 and 255
            then format('the key has %s characters, and 1 to 255 are allowed', length(p_key))
        else 'the payload cannot be kept: ' || (onceflow.payload_error(p_payload) ->> 'message') end;
begin
    if v_message is null and p_instance.id is null then
        v_code := 'unknown';
        v_message := 'there is no such instance';
    elsif v_message is null and p_instance.state <> 'RUNNING' then
        v_code := 'ended';
        v_message := case when p_instance.ended_at is null then 'it is ' else 'it has ended, as ' end || p_instance.state
            || ', and takes no signals any more';
    end if;
    return case when v_message is not null then jsonb_build_object('code', v_code, 'message', v_message) end;
end $$;
revoke execute on function onceflow.signal_fault(onceflow.instance, text, text, jsonb) from public;
