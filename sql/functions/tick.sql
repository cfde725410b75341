-- tick(limit, skip) -> (handled, retried, timed_out, expired, lost_workers)
-- Turns the clock: makes due retries QUEUED, fails attempts past their timeout and attempts whose
-- worker is not live, closes instances past their deadline; at most p_limit of these a call, the first
-- p_skip passed over (so that one that cannot be handled does not stop the rest). Where handled
-- equals the limit there is more to do at once. Several relays may tick: one works, the others return.
-- What is RUNNING without a live worker is found anew at every tick, however it came about.
-- Errors: WF004.
create or replace function onceflow.tick(p_limit int, p_skip int default 0)
returns table (handled int, retried int, timed_out int, expired int, lost_workers int)
language plpgsql volatile security definer set search_path = ''
set plan_cache_mode = 'force_generic_plan' set jit = 'off'
set enable_seqscan = 'off' set enable_hashjoin = 'off' set enable_mergejoin = 'off'
set enable_material = 'off' set join_collapse_limit = 1 set cpu_tuple_cost = 1000 as $$
declare
    v_now timestamptz := onceflow.now();
    v_lost_workers int;
    v_keys onceflow.task_key[];
    v_late uuid[];
    v_ids uuid[];
    v_retried onceflow.change[];
    v_failed onceflow.failed_attempt[];
    v_closed onceflow.change[];
begin
    v_lost_workers := onceflow.expire_workers();
    if v_lost_workers is null then
        return query select 0, 0, 0, 0, 0;
        return;
    end if;

    select array(
        select row(c.instance_id, c.step, c.scope, c.visit)::onceflow.task_key
        from (
            (select t.instance_id, t.step, t.scope, t.visit, t.due_at as at
                from onceflow.task t where t.due_at <= v_now
                order by t.due_at limit p_limit + p_skip)
            union
            (select t.instance_id, t.step, t.scope, t.visit, t.changed_at
                from onceflow.task t
                left join onceflow.worker w on w.id = t.worker_id and w.state = 'live'
                where t.worker_id is not null and w.id is null
                limit p_limit + p_skip)) c
        order by c.at)
    into v_keys;
    -- Tasks come first, then deadlines: p_skip passes over the first of both together.
    v_late := array(
        select i.id from onceflow.instance i where i.deadline_at <= v_now
        order by i.deadline_at
        offset greatest(p_skip - cardinality(v_keys), 0)
        limit greatest(p_limit - greatest(cardinality(v_keys) - p_skip, 0), 0));
    v_keys := v_keys[p_skip + 1:p_skip + p_limit];

    v_ids := onceflow.lock_instances(array(select k.instance_id from unnest(v_keys) k) || v_late);
    perform onceflow.lock_open_tasks(v_ids);

    v_retried := onceflow.queue_tasks(v_ids, array(
        select k::onceflow.task_key from unnest(v_keys) k
        join onceflow.task t on t.instance_id = k.instance_id and t.step = k.step
            and t.scope = k.scope and t.visit = k.visit
            and t.instance_id >= v_ids[1]
        where t.state = 'RETRYING' and t.due_at <= v_now), 'RETRYING');

    v_failed := array(
        select row(t.instance_id, t.step, t.scope, t.visit, t.fence,
            case when w.id is null then jsonb_build_object('code', 'worker.lost',
                'message', 'worker ' || coalesce(l.name, t.worker_id::text) || ' was lost while it ran the attempt')
            else jsonb_build_object('code', 'timeout',
                'message', 'the attempt took longer than its timeout, until ' || t.due_at) end,
            true, true, null)::onceflow.failed_attempt
        from (select distinct * from unnest(v_keys)) k
        join onceflow.task t on t.instance_id = k.instance_id and t.step = k.step
            and t.scope = k.scope and t.visit = k.visit
            and t.instance_id >= v_ids[1]
        left join onceflow.worker w on w.id = t.worker_id and w.state = 'live'
        left join onceflow.worker l on l.id = t.worker_id
        where t.state = 'RUNNING' and (w.id is null or t.due_at <= v_now));

    perform onceflow.record_changes(v_ids, v_retried
        || onceflow.fail_attempts(v_ids, v_failed, false)
        || onceflow.close_expired(
            array(select u from unnest(v_late) u order by u), v_now));
    return query select cardinality(v_keys) + cardinality(v_late), cardinality(v_retried),
        cardinality(v_failed), cardinality(v_late), v_lost_workers;
end $$;
revoke execute on function onceflow.tick(int, int) from public;
