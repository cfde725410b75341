-- part_to_count(entries) -> number   (internal)
-- Of how many instances one is looked at to sum a minute with so many entries: each of them, unless there are more than
-- entries_to_count(); else so few, by a power of two, as have half of that or less. However much is done, summing it
-- takes little longer.
create or replace function onceflow.part_to_count(p_entries bigint) returns int
language sql immutable parallel safe as $$
    select case when p_entries <= onceflow.entries_to_count() then 1
        else (2 ^ least(ceil(log(2, 2 * p_entries::numeric / onceflow.entries_to_count())), 30))::int end
$$;
revoke execute on function onceflow.part_to_count(bigint) from public;
