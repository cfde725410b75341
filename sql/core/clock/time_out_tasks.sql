-- time_out_tasks(sorted ids, late, now) -> change[]   (internal)
-- Ends tasks of locked instances, in the order of their keys, that no worker has claimed in the time for their start, or that have not ended in that
-- for all their attempts: FAILED where their step lets the instance go on, else dead letters, to be judged; nothing is tried
-- again. What runs then has an outcome that nobody knows, and its answer comes too late; where its scope closes it is CANCELLED.
-- A claim that holds a row of them is awaited, and has met the time for the start.
create or replace function onceflow.time_out_tasks(p_ids uuid[], p_late onceflow.task_key[], p_now timestamptz)
returns onceflow.change[]
language plpgsql volatile as $$
declare
    v_changes onceflow.change[];
begin
    if cardinality(p_late) = 0 then
        return '{}';
    end if;
    perform onceflow.lock_queued(p_late);
    with judged as (
        select k.*, i.version_id, i.seq + 1 as seq, t.was, t.fence, t.worker_id,
            onceflow.limit_error(t.task) as error, case
                when s.kind not in ('compensation', 'notice') and case when k.scope = 0 then i.state
                    else onceflow.own_state(k.instance_id, k.scope, i.state) end <> 'RUNNING' then 'CANCELLED'
                when s.continues then 'FAILED' else 'DEAD_LETTER' end as state
        from unnest(p_late) k
        cross join lateral (
            select t.state as was, t.fence, t.worker_id, t as task from onceflow.task t
            where t.instance_id = k.instance_id and t.step = k.step and t.scope = k.scope and t.visit = k.visit
                and t.instance_id between p_ids[1] and p_ids[cardinality(p_ids)]
                and least(case when t.state in ('QUEUED', 'READY') then t.start_by end, t.end_by) <= p_now offset 0) t
        cross join lateral (
            select i.version_id, i.seq, i.state from onceflow.instance i
            where i.id = k.instance_id and i.id between p_ids[1] and p_ids[cardinality(p_ids)] offset 0) i
        cross join lateral (
            select s.kind, s.continues from onceflow.step s
            where s.version_id = i.version_id and s.step = k.step offset 0) s
        offset 0
    ), failed as (
        update onceflow.task t
        set state = j.state, seq = case when j.state <> 'DEAD_LETTER' then j.seq end, error = j.error,
            output = case j.state when 'FAILED' then onceflow.failed_output(j.version_id, j.step) end,
            unknown = t.unknown or j.was in ('RUNNING', 'WAITING'),
            fence = case when j.was not in ('RUNNING', 'WAITING') then t.fence end,
            worker_id = null, call = null, queued_xid = null, held_by = null, due_at = null, changed_at = p_now
        from judged j
        where t.instance_id = j.instance_id and t.step = j.step and t.scope = j.scope and t.visit = j.visit
            and t.instance_id >= p_ids[1] and t.state = j.was and t.fence is not distinct from j.fence
        returning t.instance_id, t.step, t.scope, t.visit, t.attempt, j.was, t.state, t.queue, t.error, j.worker_id
    )
    select coalesce(array_agg(onceflow.task_change(f.instance_id, f.step, f.scope, f.visit, f.attempt,
        f.was, f.state, f.queue, f.worker_id, f.error)), '{}')
    into v_changes
    from failed f;
    return v_changes;
end $$;
revoke execute on function onceflow.time_out_tasks(uuid[], onceflow.task_key[], timestamptz) from public;
