-- read_outcomes(instance ids, tasks, fences) -> (instance_id, task, answer, state)
-- After a COMMIT whose answer was lost: what became of completions, read under the rows' locks, so
-- that a transaction still under way is awaited. answer: running (it rolled back: nothing is recorded)
-- | repeated (it is recorded; state tells as what) | stale (the fence is not the task's any more).
-- Errors: WF002 arrays that differ · WF004.
create or replace function onceflow.read_outcomes(
    p_instance_ids uuid[], p_tasks text[], p_fences uuid[])
returns table (instance_id uuid, task text, answer text, state text)
language plpgsql volatile security definer set search_path = pg_catalog, pg_temp
set plan_cache_mode = 'force_generic_plan' set jit = 'off' set max_parallel_workers_per_gather = 0
set enable_seqscan = 'off' set enable_hashjoin = 'off' set enable_mergejoin = 'off'
set enable_material = 'off' set join_collapse_limit = 1 set cpu_tuple_cost = 1000 as $$
declare
    v_keys onceflow.task_key[] := onceflow.task_keys(p_instance_ids, p_tasks);
    v_ids uuid[] := onceflow.lock_instances(p_instance_ids);
begin
    perform onceflow.require_same_length(p_instance_ids, p_fences, cardinality(p_tasks));
    perform onceflow.lock_tasks(v_keys);
    return query
    select * from onceflow.answer_tasks(v_ids, v_keys, p_tasks, p_fences,
        array_fill(false, array[cardinality(v_keys)]));
end $$;
revoke execute on function onceflow.read_outcomes(uuid[], text[], uuid[]) from public;
