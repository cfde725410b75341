-- local_time(time, zone) -> timestamp   (internal)
-- What the clocks of a zone show. Its name is one of the time zone database (or UTC), so that Postgres does not take it
-- for a rule of POSIX.
-- Errors: 22000 where there is no such zone.
create or replace function onceflow.local_time(p_at timestamptz, p_zone text) returns timestamp
language plpgsql immutable as $$
begin
    if p_zone ~ '^(UTC|Etc/[A-Za-z0-9+-]+|[A-Za-z]+(/[A-Za-z_-]+){1,2})$' then
        return p_at at time zone p_zone;
    end if;
    raise invalid_parameter_value;
exception
    when invalid_parameter_value then
        raise data_exception using message = 'there is no such time zone; name one such as Europe/Warsaw or UTC';
end $$;
revoke execute on function onceflow.local_time(timestamptz, text) from public;
