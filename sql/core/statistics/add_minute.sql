-- add_minute(minute, part, entries) -> void   (internal)
-- Sums one minute of the log, as count_minute() has it, into its own row and those of the longer spans that it lies in. One that
-- was summed before, out of the same part, adds what has come since.
create or replace function onceflow.add_minute(p_minute timestamptz, p_part int, p_entries bigint) returns void
language plpgsql volatile as $$
begin
    insert into onceflow.statistic as s (
        seconds, workflow, step, at, outcome, count, measured, total, buckets)
    select g.seconds, d.workflow, d.step,
        date_bin(make_interval(secs => g.seconds), p_minute, timestamptz '2000-01-01 00:00:00+00'),
        d.outcome, d.count, d.measured, d.total, d.buckets
    from (
        select c.workflow, c.step, c.outcome, c.count - coalesce(o.count, 0) as count,
            c.measured - coalesce(o.measured, 0) as measured, c.total - coalesce(o.total, 0) as total,
            onceflow.add_buckets(c.buckets, o.buckets, -1) as buckets
        from onceflow.count_minute(p_minute, p_part, p_entries) c
        left join lateral (
            select o.count, o.measured, o.total, o.buckets from onceflow.statistic o
            where o.seconds = 60 and o.workflow = c.workflow and o.step = c.step and o.at = p_minute
                and o.outcome = c.outcome offset 0) o on true
        where (c.count, c.measured) is distinct from (o.count, o.measured)) d
    cross join unnest('{60,600,3600,86400}'::int[]) g (seconds)
    on conflict (seconds, workflow, step, at, outcome) do update
    set count = s.count + excluded.count, measured = s.measured + excluded.measured,
        total = s.total + excluded.total, buckets = onceflow.add_buckets(s.buckets, excluded.buckets);
end $$;
revoke execute on function onceflow.add_minute(timestamptz, int, bigint) from public;
