-- give_back_tasks(instance ids, tasks, fences, started) -> (instance_id, task, answer, state)
-- Gives attempts back that a worker will not finish: due again at once, and the retry budget grows by
-- the attempt. p_started says whether the handler had begun, so that its effect may have happened.
-- Answers as complete_tasks(); in a CLOSING instance the task is CANCELLED.
-- Errors: WF002 arrays that differ · WF004.
create or replace function onceflow.give_back_tasks(
    p_instance_ids uuid[], p_tasks text[], p_fences uuid[], p_started boolean[])
returns table (instance_id uuid, task text, answer text, state text)
language plpgsql volatile security definer set search_path = pg_catalog, pg_temp
set plan_cache_mode = 'force_generic_plan' set jit = 'off' set max_parallel_workers_per_gather = 0
set enable_seqscan = 'off' set enable_hashjoin = 'off' set enable_mergejoin = 'off'
set enable_material = 'off' set join_collapse_limit = 1 set cpu_tuple_cost = 1000 as $$
declare
    v_keys onceflow.task_key[] := onceflow.task_keys(p_instance_ids, p_tasks);
    v_ids uuid[] := onceflow.lock_instances(p_instance_ids);
    v_held boolean[];
begin
    perform onceflow.require_same_length(p_instance_ids, p_fences, cardinality(p_started));
    v_held := onceflow.held_attempts(v_ids, v_keys, p_fences);
    perform onceflow.finish_transition(v_ids,
        onceflow.return_attempts(v_ids, v_keys, p_fences, p_started, true));
    return query
    select * from onceflow.answer_tasks(v_ids, v_keys, p_tasks, p_fences, v_held);
end $$;
revoke execute on function onceflow.give_back_tasks(uuid[], text[], uuid[], boolean[]) from public;
