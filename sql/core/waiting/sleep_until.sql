-- sleep_until(value, now) -> timestamptz   (internal)
-- When a sleep of this value is over: a duration, or {until: a time with its offset from UTC}. A time that is past is
-- now. Null where the value is neither, or ten years are not enough.
create or replace function onceflow.sleep_until(p_value jsonb, p_now timestamptz) returns timestamptz
language plpgsql immutable as $$
declare
    v_until timestamptz;
    v_duration interval;
begin
    if jsonb_typeof(p_value) <> 'object' then
        v_duration := onceflow.duration_of(p_value);
        v_until := case when v_duration >= interval '0' then p_now + v_duration end;
    elsif onceflow.has_format('date-time', p_value ->> 'until') then
        v_until := (onceflow.time_function('parse_time', p_value -> 'until', '{}') #>> '{}')::timestamptz;
    end if;
    return case when v_until <= p_now + interval '3660 days' then greatest(v_until, p_now) end;
exception when data_exception then
    return null;
end $$;
revoke execute on function onceflow.sleep_until(jsonb, timestamptz) from public;
