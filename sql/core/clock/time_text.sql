-- time_text(time) -> text   (internal)
-- A time as sentences tell it, in UTC and with all that it says: of any session the same.
create or replace function onceflow.time_text(p_time timestamptz) returns text
language sql stable as $$
select case when isfinite(p_time)
    then to_char(p_time at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"') else p_time::text end
$$;
revoke execute on function onceflow.time_text(timestamptz) from public;
