-- wait_until(kind, input, timeout, now) -> timestamptz   (internal)
-- When a wait that begins now ends by itself; null where it does not.
create or replace function onceflow.wait_until(p_kind text, p_input jsonb, p_timeout float8, p_now timestamptz)
returns timestamptz
language plpgsql immutable as $$
begin
    return case p_kind when 'sleep' then onceflow.sleep_until(p_input, p_now)
        when 'approve' then onceflow.sleep_until(p_input -> 'due', p_now)
        else p_now + make_interval(secs => p_timeout) end;
end $$;
revoke execute on function onceflow.wait_until(text, jsonb, float8, timestamptz) from public;
