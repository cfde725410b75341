-- count_minute(minute, seconds) -> (workflow, step, outcome, count, measured, total, buckets)   (internal)
-- Sums what the log tells of one minute, as onceflow.statistic has it, out of so many of its seconds (seconds_to_count()), times
-- as many as it has entries besides.
-- Where an attempt was claimed, or queued, at another time, the log of its instance is looked at, its last 20,000
-- entries: what lies further back is counted, and not measured. Rows of scopes, and what merely waits, count for nothing. A dead letter that becomes a record is none
-- more: of one that was claimed the worker's answer counts, of another its first row of the minute.
create or replace function onceflow.count_minute(p_minute timestamptz, p_seconds int)
returns table (
    workflow text, step text, outcome text, count bigint, measured bigint, total float8, buckets bigint[])
language plpgsql stable as $$
#variable_conflict use_column
declare
    v_bounds constant float8[] := onceflow.latency_bounds();
    v_times constant float8 := case when p_seconds = 60 then 1 else (
        select count(*)::float8 from onceflow.minute_entries(p_minute, 60) m) / (
        select greatest(count(*), 1) from onceflow.minute_entries(p_minute, p_seconds) m) end;
begin
    return query
    with noted as materialized (
        select m.* from onceflow.minute_entries(p_minute, p_seconds) m
    ), begun_before as (
        select d.instance_id, o.*
        from (
            select distinct n.instance_id
            from (
                select n.instance_id
                from noted n where n.timed
                group by n.instance_id, n.step, n.scope, n.visit, n.attempt
                having case
                    -- A claim that has a number was a hand-off: it was never queued.
                    when bool_or(n.state = 'RUNNING') then
                        bool_or(n.state = 'RUNNING' and n.seq is null) and not bool_or(n.state = 'QUEUED')
                    else bool_or(n.state <> 'QUEUED') end) n) d
        cross join lateral (
            select o.step, o.scope, o.visit, o.state, o.seq, o.at,
                o.attempt + case o.state when 'QUEUED' then 1 else 0 end as attempt
            from (
                select l.* from onceflow.task_log l
                where l.instance_id = d.instance_id
                order by l.seq desc, l.n desc limit 20000) o
            where o.step is not null and o.state in ('QUEUED', 'RUNNING') offset 0) o
    ), attempts as materialized (
        select n.instance_id, n.step, max(n.at) filter (where n.state = 'QUEUED') as queued_at,
            max(n.at) filter (where n.state = 'RUNNING') as claimed_at,
            coalesce(bool_or(n.counts) filter (where n.state = 'RUNNING'), false) as claimed,
            coalesce(bool_or(n.seq is not null) filter (where n.state = 'RUNNING'), false) as handed_off,
            max(n.state) filter (where n.state not in ('QUEUED', 'RUNNING')) as outcome,
            max(n.at) filter (where n.state not in ('QUEUED', 'RUNNING')) as ended_at
        from (
            select n.instance_id, n.step, n.scope, n.visit, n.attempt, n.state, n.seq, n.at, true as counts
            from noted n where n.timed
            union all
            select b.instance_id, b.step, b.scope, b.visit, b.attempt, b.state, b.seq, b.at, false
            from begun_before b) n
        group by n.instance_id, n.step, n.scope, n.visit, n.attempt
    ), instances as (
        select d.instance_id, i.started_at, v.workflow
        from (select distinct n.instance_id from noted n) d
        cross join lateral (
            select i.started_at, i.version_id from onceflow.instance i where i.id = d.instance_id offset 0) i
        join (
            select v.id, w.name as workflow
            from onceflow.workflow_version v join onceflow.workflow w on w.id = v.workflow_id) v on v.id = i.version_id
    ), counted as (
        select i.workflow, e.step, e.outcome,
            width_bucket(t.took, v_bounds) + 1 as bucket,
            round(count(*) * v_times)::bigint as n, sum(t.took) * v_times as took
        from (
            select a.instance_id, a.step, 'RUNNING' as outcome,
                case when a.handed_off then interval '0' else a.claimed_at - a.queued_at end as took
            from attempts a where a.claimed
            union all
            select a.instance_id, a.step, a.outcome, a.ended_at - a.claimed_at
            from attempts a where a.outcome is not null
            union all
            select n.instance_id, coalesce(n.step, ''), n.state,
                case when n.step is null and n.state <> 'RUNNING' then n.at - j.started_at end
            from (
                select n.instance_id, n.step, n.state, max(n.at) as at from noted n
                where not n.timed and (n.step is null or n.attempt = 0 or n.state not in ('DEAD_LETTER', 'FAILED'))
                group by n.instance_id, n.step, n.scope, n.visit, n.state) n
            join instances j on j.instance_id = n.instance_id) e
        join instances i on i.instance_id = e.instance_id
        -- Two clocks may differ.
        cross join lateral (
            select case when e.took < interval '0' then 0 else extract(epoch from e.took) end::float8 as took) t
        group by 1, 2, 3, 4
    ), summed as (
        select c.* from counted c
        union all
        select '', case c.step when '' then '' else '*' end, c.outcome, c.bucket, sum(c.n)::bigint, sum(c.took)
        from counted c group by 2, 3, 4
    )
    select k.workflow, k.step, k.outcome, k.n, k.measured, k.took, array(
        select coalesce(sum(p.n) filter (where p.bucket = b), 0)::bigint
        from unnest(k.numbers, k.counts) p (bucket, n) right join generate_series(1, 32) b on p.bucket = b
        group by b order by b)
    from (
        select s.workflow, s.step, s.outcome, sum(s.n)::bigint as n,
            coalesce(sum(s.n) filter (where s.bucket is not null), 0)::bigint as measured,
            coalesce(sum(s.took), 0) as took, array_agg(s.bucket) as numbers, array_agg(s.n) as counts
        from summed s group by 1, 2, 3) k;
end $$;
revoke execute on function onceflow.count_minute(timestamptz, int) from public;
