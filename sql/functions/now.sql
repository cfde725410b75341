-- now() -> timestamptz
-- The time of timers, backoff and deadlines: the real clock, or the time that a test has set.
-- Leases and ids never ask it. A call reads it once.
create or replace function onceflow.now() returns timestamptz
language plpgsql volatile set search_path = '' as $$
begin
    return coalesce((select c.at from onceflow.test_clock c), clock_timestamp());
end $$;
revoke execute on function onceflow.now() from public;
