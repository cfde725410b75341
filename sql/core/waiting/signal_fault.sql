-- signal_fault(instance, name, key, payload) -> {code, message, faults}   (internal)
-- Why a signal cannot be sent: what was given is none (invalid), there is no such instance (unknown), it takes none any
-- more (ended), or none of this name, or not with this payload (unfit; faults have their places). Null where it can.
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
    v_signals jsonb;
    v_faults jsonb;
begin
    if v_message is null and p_instance.id is null then
        v_code := 'unknown';
        v_message := 'there is no such instance';
    elsif v_message is null and p_instance.state <> 'RUNNING' then
        v_code := 'ended';
        v_message := case when p_instance.ended_at is null then 'it is ' else 'it has ended, as ' end || p_instance.state
            || ', and takes no signals any more';
    elsif v_message is null then
        select v.signals into v_signals from onceflow.workflow_version v where v.id = p_instance.version_id;
        v_code := 'unfit';
        if not v_signals ? p_name then
            v_message := format('its workflow declares no signal %s: it takes %s', p_name, coalesce(left((
                select string_agg(s.name, ', ' order by s.name) from jsonb_object_keys(v_signals) s (name)), 500), 'none'));
        elsif v_signals #> array[p_name, 'checks'] <> 'null' then
            v_faults := (
                select jsonb_agg(jsonb_build_object('place', '/payload' || (e ->> 'place'), 'message', e -> 'message'))
                from jsonb_array_elements(onceflow.check_input(
                    v_signals #> array[p_name, 'checks'], coalesce(p_payload, 'null'))) e);
            v_message := 'the payload does not fit the schema of the signal: '
                || (v_faults #>> '{0,place}') || ' ' || (v_faults #>> '{0,message}');
        end if;
    end if;
    return case when v_message is not null then jsonb_strip_nulls(jsonb_build_object(
        'code', v_code, 'message', v_message, 'faults', v_faults)) end;
end $$;
revoke execute on function onceflow.signal_fault(onceflow.instance, text, text, jsonb) from public;
