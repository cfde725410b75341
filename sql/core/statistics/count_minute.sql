-- count_minute(minute, part, entries) -> (workflow, step, outcome, count, measured, total, buckets)   (internal)
-- Sums what the log tells of one minute, in which it has so many entries, as onceflow.statistic has it: of one in p_part
-- instances (part_to_count()) all, times as many as there are entries besides; of the others what has failed, which is counted
-- one by one, and of them not measured.
-- Where an attempt was claimed, or queued, at another time, the log of its instance is looked at, its last 20,000
-- entries: what lies further back is counted, and not measured. Rows of scopes, and what merely waits, count for nothing.
create or replace function onceflow.count_minute(p_minute timestamptz, p_part int, p_entries bigint)
returns table (
    workflow text, step text, outcome text, count bigint, measured bigint, total float8, buckets bigint[])
language sql stable as $$
    with noted as materialized (
        select m.* from onceflow.minute_entries(p_minute, p_part) m
    ), weight as (
        select case when p_part = 1 then 1 else p_entries / greatest(count(*), 1)::float8 end as times
        from noted n where n.weighed and p_part > 1
    ), attempts as materialized (
        select n.instance_id, n.step, n.scope, n.visit, n.attempt, bool_or(n.weighed) as weighed,
            max(n.at) filter (where n.event = 0) as queued_at,
            max(n.at) filter (where n.event = 1) as claimed_at,
            coalesce(bool_or(n.handed_off) filter (where n.event = 1), false) as handed_off,
            max(n.state) filter (where n.event = 2) as outcome,
            max(n.at) filter (where n.event = 2) as ended_at
        from noted n where n.event < 3
        group by n.instance_id, n.step, n.scope, n.visit, n.attempt
    ), begun as (
        select d.instance_id, o.step, o.scope, o.visit, o.attempt,
            max(o.at) filter (where o.state = 'QUEUED') as queued_at, max(o.at) filter (where o.state = 'RUNNING') as claimed_at
        from (
            -- What was handed off was never queued.
            select distinct a.instance_id from attempts a
            where a.weighed and (a.queued_at is null and a.claimed_at is not null and not a.handed_off
                or a.claimed_at is null and a.outcome is not null)) d
        cross join lateral (
            select o.step, o.scope, o.visit, o.state, o.at,
                case o.state when 'QUEUED' then o.attempt + 1 else o.attempt end as attempt
            from (
                select l.* from onceflow.task_log l
                where l.instance_id = d.instance_id
                order by l.seq desc, l.n desc limit 20000) o
            where o.step is not null and o.state in ('QUEUED', 'RUNNING') offset 0) o
        group by 1, 2, 3, 4, 5
    ), instances as materialized (
        select d.instance_id, i.started_at, i.version_id
        from (select distinct n.instance_id from noted n where n.event is not null) d
        cross join lateral (
            select i.started_at, i.version_id from onceflow.instance i where i.id = d.instance_id offset 0) i
    ), told as (
        select t.instance_id, t.step, e.outcome, e.took
        from (
            select a.*, coalesce(a.queued_at, b.queued_at) as due_at, coalesce(a.claimed_at, b.claimed_at) as begun_at
            from attempts a
            left join begun b on b.instance_id = a.instance_id and b.step = a.step and b.scope = a.scope
                and b.visit = a.visit and b.attempt = a.attempt) t
        cross join lateral (
            select 'RUNNING' as outcome, case when t.handed_off then interval '0' else t.claimed_at - t.due_at end as took
            where t.claimed_at is not null
            union all
            select t.outcome, t.ended_at - t.begun_at where t.outcome is not null) e
        union all
        select n.instance_id, coalesce(n.step, ''), n.state,
            case when n.step is null and n.state <> 'RUNNING' then max(n.at) - i.started_at end
        from noted n join instances i on i.instance_id = n.instance_id
        where n.event = 3
        group by n.instance_id, n.step, n.scope, n.visit, n.state, i.started_at
    ), counted as (
        select i.version_id, e.step, e.outcome, width_bucket(t.took, onceflow.latency_bounds()) + 1 as bucket,
            count(*) as n, sum(t.took) as took
        from told e
        join instances i on i.instance_id = e.instance_id
        -- Two clocks may differ.
        cross join lateral (
            select case when e.took is not null then greatest(date_part('epoch', e.took), 0) end as took) t
        group by 1, 2, 3, 4
    ), weighed as (
        select w.name as workflow, c.step, c.outcome, c.bucket,
            round(c.n * t.times)::bigint as n, c.took * t.times as took
        from counted c
        join onceflow.workflow_version v on v.id = c.version_id
        join onceflow.workflow w on w.id = v.workflow_id
        cross join weight x
        cross join lateral (
            select case when c.outcome = any ('{RETRYING,DEAD_LETTER,FAILED,COMPENSATED}') then 1
                else x.times end as times) t
    ), summed as (
        select w.* from weighed w
        union all
        select '', case w.step when '' then '' else '*' end, w.outcome, w.bucket, sum(w.n)::bigint, sum(w.took)
        from weighed w group by 2, 3, 4
    )
    select k.workflow, k.step, k.outcome, k.n, k.measured, k.took, array(
        select coalesce(sum(p.n) filter (where p.bucket = b), 0)::bigint
        from unnest(k.numbers, k.counts) p (bucket, n) right join generate_series(1, 32) b on p.bucket = b
        group by b order by b)
    from (
        select s.workflow, s.step, s.outcome, sum(s.n)::bigint as n,
            coalesce(sum(s.n) filter (where s.bucket is not null), 0)::bigint as measured,
            coalesce(sum(s.took), 0) as took, array_agg(s.bucket) as numbers, array_agg(s.n) as counts
        from summed s group by 1, 2, 3) k
$$;
revoke execute on function onceflow.count_minute(timestamptz, int, bigint) from public;
