-- sort_due(sorted ids, keys, now) -> late, retrying, held, waits, waited_until, unanswered   (internal)
-- Of tasks of locked instances what is due of them, by what fire_timers() does then, each in one of the arrays: past the time for
-- its start, or for all its attempts; to be tried again; held for a queue or a worker; waiting by itself, with the time
-- until which it did; running, or answered from outside. Each row is read here, and then by nobody but who changes it.
-- (A row that waits for the start of its instance has no input, one that waits for an answer from outside has a fence.)
create or replace function onceflow.sort_due(
    p_ids uuid[], p_keys onceflow.task_key[], p_now timestamptz,
    out o_late onceflow.task_key[], out o_retrying onceflow.task_key[], out o_held onceflow.task_key[],
    out o_waits onceflow.task_key[], out o_waited_until timestamptz[], out o_unanswered onceflow.task_key[])
language plpgsql stable as $$
begin
    select coalesce(array_agg(d.key order by d.key) filter (where d.what = 'late'), '{}'),
        coalesce(array_agg(d.key) filter (where d.what = 'retrying'), '{}'),
        coalesce(array_agg(d.key) filter (where d.what = 'held'), '{}'),
        coalesce(array_agg(d.key) filter (where d.what = 'waits'), '{}'),
        coalesce(array_agg(d.due_at) filter (where d.what = 'waits'), '{}'),
        coalesce(array_agg(d.key) filter (where d.what = 'unanswered'), '{}')
    into o_late, o_retrying, o_held, o_waits, o_waited_until, o_unanswered
    from (
        select row(k.instance_id, k.step, k.scope, k.visit)::onceflow.task_key as key, t.due_at, case
            when t.seq is null and t.state <> 'DEAD_LETTER' and (t.state <> 'WAITING' or t.fence is not null) -- deferred
                and least(case when t.state in ('QUEUED', 'READY') then t.start_by end, t.end_by) <= p_now then 'late'
            when t.state = 'RUNNING' or t.state = 'WAITING' and t.fence is not null then 'unanswered'
            when t.held_by = 'pause' then 'held'
            when t.due_at <= p_now then case
                when t.state = 'RETRYING' then 'retrying'
                when t.held_by in ('handler', 'secret') then 'held'
                when t.state = 'WAITING' and t.input is not null then 'waits' end end as what
        from unnest(p_keys) k
        cross join lateral (
            select t.state, t.due_at, t.start_by, t.end_by, t.seq, t.fence, t.held_by, t.input from onceflow.task t
            where t.instance_id = k.instance_id and t.step = k.step and t.scope = k.scope and t.visit = k.visit
                and t.instance_id between p_ids[1] and p_ids[cardinality(p_ids)] offset 0) t
        offset 0) d;
end $$;
revoke execute on function onceflow.sort_due(uuid[], onceflow.task_key[], timestamptz) from public;
