-- tick(limit, skip) -> (handled, retried, timed_out, expired, lost_workers)
-- Turns the clock: makes due retries QUEUED, fails attempts past their timeout and attempts whose
-- worker is not live, closes instances past their deadline; at most p_limit of these a call, the first
-- p_skip passed over (so that one that cannot be handled does not stop the rest). Where handled
-- equals the limit there is more to do at once. Several relays may tick: one works, the others return.
-- What is RUNNING without a live worker is found anew at every tick, however it came about.
-- Errors: WF004.
create or replace function onceflow.tick(p_limit int, p_skip int default 0)
returns table (handled int, retried int, timed_out int, expired int, lost_workers int)
language plpgsql volatile security definer set search_path = pg_catalog, pg_temp
set plan_cache_mode = 'force_generic_plan' set jit = 'off' set max_parallel_workers_per_gather = 0
set enable_seqscan = 'off' set enable_hashjoin = 'off' set enable_mergejoin = 'off'
set enable_material = 'off' set join_collapse_limit = 1 set cpu_tuple_cost = 1000 as $$
declare
    v_now timestamptz := onceflow.now();
    v_lost_workers int;
    v_due onceflow.task_key[];
    v_keys onceflow.task_key[];
    v_late uuid[];
    v_ids uuid[];
    v_retried onceflow.change[];
    v_failed onceflow.failed_attempt[];
begin
    v_lost_workers := onceflow.expire_workers();
    if v_lost_workers is null then
        return query select 0, 0, 0, 0, 0;
        return;
    end if;

    -- Tasks, and (without a step) instances whose deadline has passed: one list, so that p_skip passes
    -- over either.
    v_due := array(
        -- Who holds a RUNNING task, found by hops over the index: a row a worker, not a row a task.
        with recursive holder (id) as (
            (select t.worker_id from onceflow.task t
                where t.worker_id is not null order by t.worker_id limit 1)
            union all
            select (select t.worker_id from onceflow.task t
                where t.worker_id > h.id order by t.worker_id limit 1)
            from holder h where h.id is not null
        )
        select row(c.instance_id, c.step, c.scope, c.visit)::onceflow.task_key
        from (
            (select t.instance_id, t.step, t.scope, t.visit, t.due_at as at
                from onceflow.task t where t.due_at <= v_now
                order by t.due_at limit p_limit + p_skip)
            union
            (select t.instance_id, t.step, t.scope, t.visit, t.changed_at
                from holder h
                cross join lateral (
                    select * from onceflow.task t where t.worker_id = h.id offset 0) t
                where h.id is not null and not exists (
                    select from onceflow.worker w where w.id = h.id and w.state = 'live')
                limit p_limit + p_skip)
            union all
            (select i.id, null, null, null, i.deadline_at
                from onceflow.instance i where i.deadline_at <= v_now
                order by i.deadline_at limit p_limit + p_skip)) c
        order by c.at, c.instance_id, c.step
        offset p_skip limit p_limit);
    v_ids := onceflow.lock_instances(array(select d.instance_id from unnest(v_due) d), false);
    v_keys := array(select d::onceflow.task_key from unnest(v_due) d
        where d.step is not null and d.instance_id = any (v_ids));
    v_late := array(select d.instance_id from unnest(v_due) d
        where d.step is null and d.instance_id = any (v_ids) order by d.instance_id);
    perform onceflow.lock_open_tasks(v_ids);

    v_retried := onceflow.queue_tasks(v_ids, array(
        select k::onceflow.task_key
        from unnest(v_keys) k
        cross join lateral (
            select from onceflow.task t
            where t.instance_id = k.instance_id and t.step = k.step and t.scope = k.scope
                and t.visit = k.visit and t.instance_id between v_ids[1] and v_ids[cardinality(v_ids)]
                and t.state = 'RETRYING' and t.due_at <= v_now offset 0) t), 'RETRYING');

    v_failed := array(
        select row(t.instance_id, t.step, t.scope, t.visit, t.fence,
            case when w.state = 'live' then jsonb_build_object('code', 'timeout',
                'message', 'the attempt took longer than its timeout, until ' || t.due_at)
            else jsonb_build_object('code', 'worker.lost',
                'message', 'worker ' || coalesce(w.name, t.worker_id::text) || ' was lost while it ran the attempt')
            end, true, true, w.retries -> t.handler)::onceflow.failed_attempt
        from (select distinct * from unnest(v_keys)) k
        cross join lateral (
            select t.*, s.spec ->> 'task' as handler
            from onceflow.task t
            join onceflow.instance i on i.id = t.instance_id
            join onceflow.step s on s.version_id = i.version_id and s.step = t.step
            where t.instance_id = k.instance_id and t.step = k.step and t.scope = k.scope
                and t.visit = k.visit
                and t.instance_id between v_ids[1] and v_ids[cardinality(v_ids)] and t.state = 'RUNNING' offset 0) t
        left join lateral (
            select w.name, w.state, w.retries from onceflow.worker w where w.id = t.worker_id offset 0) w on true
        where w.state is distinct from 'live' or t.due_at <= v_now);

    perform onceflow.record_changes(v_ids, v_retried
        || onceflow.fail_attempts(v_ids, v_failed, false)
        || onceflow.close_expired(v_late, v_now));
    -- Once a second is enough for expire_workers() to see a gap, and keeps other ticks free of writing.
    update onceflow.clock c set last_tick_at = clock_timestamp()
    where c.last_tick_at is null or c.last_tick_at < clock_timestamp() - interval '1 second';
    return query select cardinality(v_keys) + cardinality(v_late), cardinality(v_retried),
        cardinality(v_failed), cardinality(v_late), v_lost_workers;
end $$;
revoke execute on function onceflow.tick(int, int) from public;
