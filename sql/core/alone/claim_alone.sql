-- claim_alone(worker, token, call, key, task) -> hand_off   (internal)
-- Claims one task, as claim_tasks() does those of a set, and gives what it takes to run it. Nothing is given, and nothing changed: it
-- is not QUEUED, may not run now, the worker lacks its handler, or its queue is paused, which claim_tasks() then tells apart.
-- Errors: WF004 (require_read_committed).
create or replace function onceflow.claim_alone(
    p_worker_id uuid, p_token uuid, p_call bigint, p_key onceflow.task_key, p_task text)
returns setof onceflow.hand_off
language plpgsql volatile as $$
declare
    v_now constant timestamptz := onceflow.now();
begin
    if not onceflow.is_read_committed() then
        perform onceflow.require_read_committed();
    end if;
    -- In a statement of its own: whoever closes or holds the instance is seen by the next one.
    perform from onceflow.task t
    where t.instance_id = p_key.instance_id and t.step = p_key.step and t.scope = p_key.scope and t.visit = p_key.visit
        and t.state = 'QUEUED'
    for no key update;
    if not found then
        return;
    end if;
    return query
    with claimed as (
        update onceflow.task t
        set state = 'RUNNING', worker_id = p_worker_id, fence = p_token, call = p_call,
            attempt = t.attempt + 1, queued_xid = null, changed_at = v_now,
            due_at = v_now + make_interval(secs => k.timeout)
        from (
            select s.handler, s.timeout, s.workflow, s.version, s.kind,
                case when i.trace is null then s.extra else onceflow.traced_extra(s.extra, i.trace, p_key) end as extra
            from (
                select i.version_id, i.state, case when i.suspended_by = 'operator' then i.suspended_at end as suspended_at, i.trace
                from onceflow.instance i where i.id = p_key.instance_id offset 0) i
            join onceflow.step s on s.version_id = i.version_id and s.step = p_key.step
            where onceflow.may_run(i.state, i.suspended_at, s.kind)
                and exists (select from onceflow.worker w where w.id = p_worker_id and s.handler = any (w.tasks))
                and not exists (select from onceflow.queue q where q.name = s.queue and q.paused_at is not null) offset 0) k
        where t.instance_id = p_key.instance_id and t.step = p_key.step and t.scope = p_key.scope and t.visit = p_key.visit
            and t.state = 'QUEUED'
        returning t.queue, t.input, t.attempt, k.*
    ), logged as (
        insert into onceflow.task_log (instance_id, step, scope, visit, attempt, state, worker_id, at)
        select p_key.instance_id, p_key.step, p_key.scope, p_key.visit, c.attempt, 'RUNNING', p_worker_id, v_now from claimed c
    )
    select p_key.instance_id, p_task, 'granted', p_token, c.handler, c.queue, c.input, c.attempt, c.timeout,
        onceflow.idempotency_key(p_key.instance_id, onceflow.task_name(p_key.step, p_key.scope, p_key.visit)), c.workflow, c.version, c.kind = 'compensation', c.extra
    from claimed c;
end $$;
revoke execute on function onceflow.claim_alone(uuid, uuid, bigint, onceflow.task_key, text) from public;
