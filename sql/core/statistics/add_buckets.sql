-- add_buckets(buckets, buckets, times) -> buckets   (internal)
-- The counts of the first and, so many times, those of the second; null stands for none.
create or replace function onceflow.add_buckets(p_to bigint[], p_more bigint[], p_times int default 1) returns bigint[]
language sql immutable parallel safe as $$
    select case when p_more is null then p_to else array(
        select coalesce(a.n, 0) + coalesce(b.n, 0) * p_times
        from unnest(p_to) with ordinality a (n, at)
        full join unnest(p_more) with ordinality b (n, at) on b.at = a.at
        order by coalesce(a.at, b.at)) end
$$;
revoke execute on function onceflow.add_buckets(bigint[], bigint[], int) from public;
