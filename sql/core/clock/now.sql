-- now() -> timestamptz   (internal)
-- The time of timers, backoff and deadlines: the time at which the client's statement began, so that
-- one call sees one time throughout, or the time that a test has set. Leases and ids never ask it.
create or replace function onceflow.now() returns timestamptz
language plpgsql stable as $$
begin
    return coalesce((select c.at from onceflow.test_clock c), statement_timestamp());
end $$;
revoke execute on function onceflow.now() from public;
