-- requeue_tasks(keys, dispatches) -> number of tasks   (internal)
-- Ships QUEUED tasks again whose messages are lost, each if it is still the dispatch (queued_xid) that the
-- caller saw. Instances that others hold are passed over: the caller looks again.
create or replace function onceflow.requeue_tasks(p_keys onceflow.task_key[], p_dispatches xid8[])
returns int
language plpgsql volatile as $$
declare
    v_ids uuid[] := onceflow.lock_instances(array(select k.instance_id from unnest(p_keys) k), false);
    v_changes onceflow.change[];
begin
    perform onceflow.lock_tasks(array(
        select k::onceflow.task_key from unnest(p_keys) k where k.instance_id = any (v_ids)), 'QUEUED');
    -- Asked again under the lock: meanwhile one may have been dispatched anew.
    v_changes := onceflow.queue_tasks(v_ids, array(
        select row(k.instance_id, k.step, k.scope, k.visit)::onceflow.task_key
        from unnest(p_keys, p_dispatches) k (instance_id, step, scope, visit, dispatch)
        cross join lateral (
            select from onceflow.task t
            where t.instance_id = k.instance_id and t.step = k.step and t.scope = k.scope
                and t.visit = k.visit and t.instance_id between v_ids[1] and v_ids[cardinality(v_ids)]
                and t.state = 'QUEUED' and t.queued_xid = k.dispatch offset 0) t
        -- Between the first and the last that are locked lie those that others hold.
        where k.instance_id = any (v_ids)), 'QUEUED');
    perform onceflow.finish_transition(v_ids, v_changes);
    return cardinality(v_changes);
end $$;
revoke execute on function onceflow.requeue_tasks(onceflow.task_key[], xid8[]) from public;
