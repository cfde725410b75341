-- uuid7_bound(at) -> uuid   (internal)
-- The smallest id of an instance started at or after a time: a partition's bound.
create or replace function onceflow.uuid7_bound(p_at timestamptz) returns uuid
language sql stable as $$
    select rpad(lpad(to_hex((extract(epoch from p_at) * 1000)::bigint), 12, '0'), 32, '0')::uuid
$$;
revoke execute on function onceflow.uuid7_bound(timestamptz) from public;
