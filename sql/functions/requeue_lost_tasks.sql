-- requeue_lost_tasks(queue, before, limit) -> number of tasks
-- Ships again the QUEUED tasks of a queue that were queued by a transaction older than p_before. The
-- caller has made sure (docs/protocol.md) that the broker no longer holds their messages, or that the
-- workers have consumed past them.
-- Errors: WF004.
create or replace function onceflow.requeue_lost_tasks(p_queue text, p_before xid8, p_limit int)
returns int
language plpgsql volatile security definer set search_path = ''
set plan_cache_mode = 'force_generic_plan' set jit = 'off' set max_parallel_workers_per_gather = 0
set enable_seqscan = 'off' set enable_hashjoin = 'off' set enable_mergejoin = 'off'
set enable_material = 'off' set join_collapse_limit = 1 set cpu_tuple_cost = 1000 as $$
declare
    v_keys onceflow.task_key[] := array(
        select row(t.instance_id, t.step, t.scope, t.visit)::onceflow.task_key
        from onceflow.task t
        where t.queue = p_queue and t.state = 'QUEUED' and t.queued_xid < p_before
        order by t.queued_xid
        limit p_limit);
    v_ids uuid[];
    v_changes onceflow.change[];
begin
    v_ids := onceflow.lock_instances(array(select k.instance_id from unnest(v_keys) k), false);
    v_keys := onceflow.lock_tasks(array(
        select k::onceflow.task_key from unnest(v_keys) k where k.instance_id = any (v_ids)), 'QUEUED');
    -- Asked again under the lock: meanwhile one may have been dispatched anew.
    v_changes := onceflow.queue_tasks(v_ids, array(
        select k::onceflow.task_key
        from unnest(v_keys) k
        cross join lateral (
            select from onceflow.task t
            where t.instance_id = k.instance_id and t.step = k.step and t.scope = k.scope
                and t.visit = k.visit and t.instance_id between v_ids[1] and v_ids[cardinality(v_ids)]
                and t.state = 'QUEUED' and t.queued_xid < p_before offset 0) t), 'QUEUED');
    perform onceflow.record_changes(v_ids, v_changes);
    return cardinality(v_changes);
end $$;
revoke execute on function onceflow.requeue_lost_tasks(text, xid8, int) from public;
