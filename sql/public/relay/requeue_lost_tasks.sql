-- requeue_lost_tasks(queue, before, limit, skip) -> number of tasks
-- Ships again the QUEUED tasks of a queue that were queued by a transaction older than p_before. The
-- caller has made sure (docs/protocol.md) that the broker no longer holds their messages, or that the
-- workers have consumed past them.
-- Errors: WF004.
create or replace function onceflow.requeue_lost_tasks(p_queue text, p_before xid8, p_limit int, p_skip int default 0)
returns int
language plpgsql volatile security definer set search_path = pg_catalog, pg_temp
set plan_cache_mode = 'force_generic_plan' set jit = 'off' set max_parallel_workers_per_gather = 0
set enable_seqscan = 'off' set enable_hashjoin = 'off' set enable_mergejoin = 'off'
set enable_material = 'off' set join_collapse_limit = 1 set cpu_tuple_cost = 1000 as $$
declare
    v_keys onceflow.task_key[];
    v_dispatches xid8[];
begin
    select array_agg(row(l.instance_id, l.step, l.scope, l.visit)::onceflow.task_key), array_agg(l.queued_xid)
    into v_keys, v_dispatches
    from (
        select t.instance_id, t.step, t.scope, t.visit, t.queued_xid
        from onceflow.task t
        where t.queue = p_queue and t.state = 'QUEUED' and t.queued_xid < p_before
        order by t.queued_xid
        offset p_skip limit p_limit) l;
    return onceflow.requeue_tasks(coalesce(v_keys, '{}'), coalesce(v_dispatches, '{}'));
end $$;
revoke execute on function onceflow.requeue_lost_tasks(text, xid8, int, int) from public;
