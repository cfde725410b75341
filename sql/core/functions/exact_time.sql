-- exact_time(time) -> text   (internal)
-- A time as expressions have it: RFC 3339, in UTC, always with microseconds, so that texts are in the order of the
-- times.
create or replace function onceflow.exact_time(p_at timestamptz) returns text
language plpgsql immutable as $$
begin
    return to_char(p_at at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"');
end $$;
revoke execute on function onceflow.exact_time(timestamptz) from public;
