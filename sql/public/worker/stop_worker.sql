-- stop_worker(worker) -> void
-- The graceful end of a worker: its id is done with, and what still runs in its name is given back
-- (as begun: what it did not begin it has given back itself).
-- Errors: WF004.
create or replace function onceflow.stop_worker(p_worker_id uuid) returns void
language plpgsql volatile security definer set search_path = pg_catalog, pg_temp
set plan_cache_mode = 'force_generic_plan' set jit = 'off' set max_parallel_workers_per_gather = 0
set enable_seqscan = 'off' set enable_hashjoin = 'off' set enable_mergejoin = 'off'
set enable_material = 'off' set join_collapse_limit = 1 set cpu_tuple_cost = 1000 as $$
declare
    v_ids uuid[];
    v_held onceflow.task_key[];
    v_fences uuid[];
begin
    update onceflow.worker w set state = 'stopped', ended_at = clock_timestamp(), progress = '{}'
    where w.id = p_worker_id and w.state = 'live';

    select array_agg(t.instance_id),
        array_agg(row(t.instance_id, t.step, t.scope, t.visit)::onceflow.task_key), array_agg(t.fence)
    into v_ids, v_held, v_fences
    from onceflow.task t
    where t.worker_id = p_worker_id and t.state = 'RUNNING';
    if v_ids is not null then
        v_ids := onceflow.lock_instances(v_ids);
        perform onceflow.lock_tasks(v_held, 'RUNNING');
        perform onceflow.finish_transition(v_ids, onceflow.return_attempts(
            v_ids, v_held, v_fences, array_fill(true, array[cardinality(v_fences)]), false));
    end if;
end $$;
revoke execute on function onceflow.stop_worker(uuid) from public;
