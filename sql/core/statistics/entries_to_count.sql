-- entries_to_count() -> number   (internal)
-- Up to how many entries of the log a minute is summed exactly.
create or replace function onceflow.entries_to_count() returns int
language sql immutable parallel safe return 20000;
revoke execute on function onceflow.entries_to_count() from public;
