-- claim_tasks(worker, token, call, instance ids, tasks)
--   -> (instance_id, task, answer, and of what is granted all that it takes to run it)
-- Turns QUEUED tasks into RUNNING attempts of a worker. p_token is a fresh random UUID, the fence of
-- what this call grants; p_call the worker's own counter of claiming calls. Repeating a call with its
-- token gives the same grants, for as long as they are not answered; read_grants() says what their
-- columns mean.
-- answer: granted | skipped (a duplicate, cancelled or stale message; nothing was changed)
--   | held (the worker has not registered the task's handler: it is READY, and comes to another worker, soon; or
--   its queue is paused: it waits for resume_queues())
--   | unknown (names no task: for quarantine_messages).
-- Rows are waited for, never skipped because they are locked. No instance is locked: a cancel locks
-- the instance and then its tasks, so either it finds this task RUNNING or we find it CANCELLED.
-- A row that is not QUEUED is not waited for either: if it becomes QUEUED again, a message of its own
-- goes with that.
-- Errors: WF002 arrays that differ · WF003 a worker whose lease is over · WF004.
create or replace function onceflow.claim_tasks(
    p_worker_id uuid, p_token uuid, p_call bigint, p_instance_ids uuid[], p_tasks text[])
returns table (
    instance_id uuid, task text, answer text,
    fence uuid, handler text, queue text, input jsonb, attempt int, timeout double precision,
    key text, workflow text, version int, compensation boolean, extra jsonb)
language plpgsql volatile security definer set search_path = pg_catalog, pg_temp
set plan_cache_mode = 'force_generic_plan' set jit = 'off' set max_parallel_workers_per_gather = 0
set enable_seqscan = 'off' set enable_hashjoin = 'off' set enable_mergejoin = 'off'
set enable_material = 'off' set join_collapse_limit = 1 set cpu_tuple_cost = 1000 as $$
#variable_conflict use_column
declare
    v_keys onceflow.task_key[] := onceflow.task_keys(p_instance_ids, p_tasks);
    v_ids uuid[] := array(select distinct u from unnest(p_instance_ids) u where u is not null order by u);
    v_locked onceflow.task_key[];
    v_held onceflow.task_key[] := '{}';
    v_claimed int;
    v_tasks text[];
    v_paused text[];
    v_again bigint[] := '{}';
    v_now timestamptz := onceflow.now();
begin
    perform onceflow.require_live_worker(p_worker_id);
    if array_dims(p_tasks) = '[1:1]' then
        return query select * from onceflow.claim_alone(p_worker_id, p_token, p_call, v_keys[1], p_tasks[1]);
        if found then
            return;
        end if;
    end if;
    select w.tasks, array(select q.name from onceflow.queue q where q.paused_at is not null)
    into v_tasks, v_paused from onceflow.worker w where w.id = p_worker_id;
    v_locked := onceflow.lock_tasks(v_keys, 'QUEUED');

    with claimed as (
        update onceflow.task t
        set state = 'RUNNING', worker_id = p_worker_id, fence = p_token, call = p_call,
            attempt = t.attempt + 1, queued_xid = null, changed_at = v_now,
            due_at = v_now + make_interval(secs => k.timeout)
        from (
            select k.*, s.timeout
            from unnest(v_locked) k
            cross join lateral (
                select i.version_id, i.state, case when i.suspended_by = 'operator' then i.suspended_at end as suspended_at
                from onceflow.instance i
                where i.id = k.instance_id and i.id between v_ids[1] and v_ids[cardinality(v_ids)] offset 0) i
            cross join lateral (
                select s.kind, s.timeout, s.handler, s.queue from onceflow.step s
                where s.version_id = i.version_id and s.step = k.step offset 0) s
            where onceflow.may_run(i.state, i.suspended_at, s.kind) and s.handler = any (v_tasks)
                and s.queue <> all (v_paused)
            offset 0) k
        where t.instance_id = k.instance_id and t.step = k.step and t.scope = k.scope
            and t.visit = k.visit and t.instance_id >= v_ids[1] and t.state = 'QUEUED'
        returning t.instance_id, t.step, t.scope, t.visit, t.attempt
    )
    insert into onceflow.task_log (instance_id, step, scope, visit, attempt, state, worker_id, at)
    select c.instance_id, c.step, c.scope, c.visit, c.attempt, 'RUNNING', p_worker_id, v_now from claimed c;
    get diagnostics v_claimed = row_count;
    if v_claimed < cardinality(v_locked) then
        v_held := onceflow.hold_tasks(p_worker_id, v_locked, v_paused);
    end if;

    -- Of a task that stands twice the first item is granted it: whoever has two grants runs it twice.
    if cardinality(v_ids) < cardinality(v_keys) then
        v_again := array(
            select k.n from (
                select k.n, row_number() over (
                    partition by k.instance_id, k.step, k.scope, k.visit order by k.n) as nth
                from unnest(v_keys) with ordinality k (instance_id, step, scope, visit, n)) k
            where k.nth > 1);
    end if;
    return query
    select k.instance_id, k.task, case
            when t.instance_id is null then 'unknown'
            when t.granted then 'granted'
            when row(k.instance_id, k.step, k.scope, k.visit)::onceflow.task_key = any (v_held) then 'held'
            else 'skipped' end,
        g.fence, g.handler, g.queue, g.input, g.attempt, g.timeout, g.key, g.workflow, g.version, g.compensation, g.extra
    from unnest(v_keys, p_tasks) with ordinality k (instance_id, step, scope, visit, task, n)
    left join lateral (
        select t.*, k.n <> all (v_again) and t.state = 'RUNNING' and t.fence = p_token and t.worker_id = p_worker_id as granted
        from onceflow.task t
        where t.instance_id = k.instance_id and t.step = k.step and t.scope = k.scope
            and t.visit = k.visit
            and t.instance_id between v_ids[1] and v_ids[cardinality(v_ids)] offset 0) t on true
    left join lateral (
        select t.fence, s.handler, t.queue, t.input, t.attempt, s.timeout,
            onceflow.idempotency_key(t.instance_id, onceflow.task_name(t.step, t.scope, t.visit)) as key,
            s.workflow, s.version, s.kind = 'compensation' as compensation,
            case when i.trace is null then s.extra else onceflow.traced_extra(s.extra, i.trace,
                row(t.instance_id, t.step, t.scope, t.visit)::onceflow.task_key) end as extra
        from (
            select i.version_id, i.trace from onceflow.instance i
            where t.granted and i.id = t.instance_id
                and i.id between v_ids[1] and v_ids[cardinality(v_ids)] offset 0) i
        join onceflow.step s on s.version_id = i.version_id and s.step = t.step
        offset 0) g on true
    order by k.n;
end $$;
revoke execute on function onceflow.claim_tasks(uuid, uuid, bigint, uuid[], text[]) from public;
