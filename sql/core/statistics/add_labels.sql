-- add_labels(minute, part, entries, labels) -> void   (internal)
-- Does for onceflow.label_statistic what add_minute() does: sums one minute into its own rows and those of the longer spans. Of one
-- that was summed before, what has come since is added, and what went is taken away: a label may have changed.
create or replace function onceflow.add_labels(p_minute timestamptz, p_part int, p_entries bigint, p_labels text[])
returns void
language plpgsql volatile as $$
declare
    v_rows onceflow.label_statistic[];
begin
    v_rows := array(
        select row(60, p_minute, c.label, c.workflow, c.value, c.outcome, c.count)::onceflow.label_statistic
        from onceflow.count_labels(p_minute, p_part, p_entries, p_labels) c);
    v_rows := array(
        select row(60, p_minute, label, workflow, value, outcome, coalesce(n.count, 0) - coalesce(o.count, 0))::onceflow.label_statistic
        from onceflow.fold_labels(v_rows, 60, p_minute) n
        full join (
            select o.* from onceflow.label_statistic o
            where o.seconds = 60 and o.at = p_minute and o.label = any (p_labels)) o using (label, workflow, value, outcome)
        where coalesce(n.count, 0) <> coalesce(o.count, 0));
    insert into onceflow.label_statistic as s (seconds, at, label, workflow, value, outcome, count)
    select f.* from unnest('{60,600,3600,86400}'::int[]) g (seconds)
    cross join lateral onceflow.fold_labels(
        v_rows, g.seconds, date_bin(make_interval(secs => g.seconds), p_minute, timestamptz '2000-01-01 00:00:00+00')) f
    on conflict (seconds, at, label, workflow, value, outcome) do update
    set count = s.count + excluded.count;
end $$;
revoke execute on function onceflow.add_labels(timestamptz, int, bigint, text[]) from public;
