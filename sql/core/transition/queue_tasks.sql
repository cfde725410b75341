-- queue_tasks(sorted ids, keys, was) -> change[]   (internal)
-- Makes locked tasks of one state (RETRYING, READY, QUEUED, DEAD_LETTER) due again: QUEUED, with a new
-- dispatch, or READY where the instance may not run them now. What comes due anew, for another attempt or redriven, has its
-- time until a claim anew; redriven also that until its end.
create or replace function onceflow.queue_tasks(
    p_ids uuid[], p_keys onceflow.task_key[], p_was text)
returns onceflow.change[]
language plpgsql volatile as $$
declare
    v_now constant timestamptz := onceflow.now();
    v_changes onceflow.change[];
begin
    if cardinality(p_keys) = 0 then
        return '{}';
    end if;
    with queued as (
        update onceflow.task t
        set state = case when k.runs then 'QUEUED' else 'READY' end,
            queued_xid = case when k.runs then pg_current_xact_id() end,
            held_by = case when not k.runs then 'operator' end, due_at = null, changed_at = v_now,
            start_by = case when p_was in ('RETRYING', 'DEAD_LETTER') then v_now + make_interval(secs => k.start_timeout)
                else t.start_by end,
            end_by = case p_was when 'DEAD_LETTER' then v_now + make_interval(secs => k.total_timeout) else t.end_by end
        from (
            select k.*, s.start_timeout, s.total_timeout, onceflow.may_run(i.state, i.suspended_at, s.kind) as runs
            from unnest(p_keys) k
            cross join lateral (
                select i.version_id, i.state, case when i.suspended_by = 'operator' then i.suspended_at end as suspended_at
                from onceflow.instance i
                where i.id = k.instance_id and i.id between p_ids[1] and p_ids[cardinality(p_ids)] offset 0) i
            cross join lateral (
                select s.kind, s.start_timeout, s.total_timeout from onceflow.step s
                where s.version_id = i.version_id and s.step = k.step offset 0) s
            offset 0) k
        where t.instance_id = k.instance_id and t.step = k.step and t.scope = k.scope
            and t.visit = k.visit and t.instance_id >= p_ids[1]
            and t.state = p_was and (k.runs or p_was <> 'READY')
        returning t.instance_id, t.step, t.scope, t.visit, t.attempt, t.state, t.queue
    )
    select coalesce(array_agg(onceflow.task_change(q.instance_id, q.step, q.scope, q.visit, q.attempt,
        p_was, q.state, q.queue)), '{}')
    into v_changes
    from queued q;
    return v_changes;
end $$;
revoke execute on function onceflow.queue_tasks(uuid[], onceflow.task_key[], text) from public;
