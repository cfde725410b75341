-- latency_bounds() -> seconds[]   (internal)
-- Where the buckets of statistics end: at 1 ms, then each at twice the one before, up to twelve days. Those that were
-- written with them are read with them, so they stay as they are.
create or replace function onceflow.latency_bounds() returns float8[]
language sql immutable parallel safe as $$
    select array(select 0.001::float8 * 2 ^ n from generate_series(0, 30) n order by n)
$$;
revoke execute on function onceflow.latency_bounds() from public;
