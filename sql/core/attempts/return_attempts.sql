-- return_attempts(sorted ids, keys, fences, started, keep fences, errors) -> change[]   (internal)
-- Takes locked RUNNING tasks out of their workers' hands without a failure: due again at once
-- (QUEUED, or READY where the instance may not run them), CANCELLED in a CLOSING instance. An attempt
-- so returned does not count against the budget, and its time until a claim begins anew. p_errors, where given, tell for
-- each why it is not due at once but after a pause: it wants a worker with another handler, or with the secrets that this
-- one lacks (missing_secrets); none has begun it, so that time goes on.
create or replace function onceflow.return_attempts(
    p_ids uuid[], p_keys onceflow.task_key[], p_fences uuid[], p_started boolean[],
    p_keep_fences boolean, p_errors jsonb[] default null)
returns onceflow.change[]
language plpgsql volatile as $$
declare
    v_now constant timestamptz := onceflow.now();
    v_changes onceflow.change[];
begin
    with judged as (
        select k.*, i.seq + 1 as seq, t.worker_id, s.start_timeout, k.error ? 'missing_secrets' as lacks_secrets, case
            when s.kind not in ('compensation', 'notice') and o.state <> 'RUNNING' then 'CANCELLED'
            when p_errors is null and onceflow.may_run(o.state, i.suspended_at, s.kind) then 'QUEUED'
            else 'READY' end as state
        from unnest(p_keys, p_fences, p_started, p_errors)
            k (instance_id, step, scope, visit, fence, started, error)
        cross join lateral (
            select t.worker_id from onceflow.task t
            where t.instance_id = k.instance_id and t.step = k.step and t.scope = k.scope
                and t.visit = k.visit and t.instance_id between p_ids[1] and p_ids[cardinality(p_ids)]
                and t.state = 'RUNNING' and t.fence = k.fence offset 0) t
        cross join lateral (
            select i.version_id, i.seq, i.state, case when i.suspended_by = 'operator' then i.suspended_at end as suspended_at
            from onceflow.instance i
            where i.id = k.instance_id and i.id between p_ids[1] and p_ids[cardinality(p_ids)] offset 0) i
        cross join lateral (
            select s.kind, s.start_timeout from onceflow.step s
            where s.version_id = i.version_id and s.step = k.step offset 0) s
        cross join lateral (
            select case when k.scope = 0 then i.state
                else onceflow.own_state(k.instance_id, k.scope, i.state) end as state offset 0) o
        offset 0
    ), returned as (
        update onceflow.task t
        set state = j.state, seq = case j.state when 'CANCELLED' then j.seq end,
            queued_xid = case j.state when 'QUEUED' then pg_current_xact_id() end,
            extra_attempts = t.extra_attempts + 1, unknown = t.unknown or j.started,
            worker_id = null, call = null,
            held_by = case when j.state <> 'READY' then null when j.lacks_secrets then 'secret'
                when p_errors is not null then 'handler' else 'operator' end,
            -- explain_task() tells it.
            error = case when j.state = 'READY' and j.lacks_secrets then j.error else t.error end,
            due_at = case when p_errors is not null and j.state = 'READY' then v_now
                + onceflow.hold_pause(t.instance_id, t.step, t.scope, t.visit) end,
            start_by = case when p_errors is null then v_now + make_interval(secs => j.start_timeout) else t.start_by end,
            fence = case when p_keep_fences then t.fence end, changed_at = v_now
        from judged j
        where t.instance_id = j.instance_id and t.step = j.step and t.scope = j.scope
            and t.visit = j.visit and t.instance_id >= p_ids[1]
            and t.state = 'RUNNING' and t.fence = j.fence
        returning t.instance_id, t.step, t.scope, t.visit, t.attempt, t.state, t.queue, j.worker_id
    )
    select coalesce(array_agg(onceflow.task_change(r.instance_id, r.step, r.scope, r.visit, r.attempt,
        'RUNNING', r.state, r.queue, r.worker_id)), '{}')
    into v_changes
    from returned r;
    -- What ends in a scope that closes moves that on.
    if exists (select from unnest(v_changes) c where c.scope > 0 and c.state = 'CANCELLED') then
        v_changes := (onceflow.advance_instances(p_ids, v_changes, '{}', '{}')).o_changes;
    end if;
    return v_changes;
end $$;
revoke execute on function onceflow.return_attempts(uuid[], onceflow.task_key[], uuid[], boolean[], boolean, jsonb[]) from public;
