-- fail_tasks(instance ids, tasks, fences, errors, retryable, retries)
--   -> (instance_id, task, answer, state)
-- Ends attempts that failed. An error is {"code", "message", …}; "unknown": true in it says that the
-- effect may have happened, "retry_after" asks for a pause in seconds; "unknown_field": true that the handler was
-- not called, since its input has a field that it does not take. While a worker with another signature of that
-- handler lives, or did ten minutes ago, such an attempt does not count: another worker is tried. Nor does one with
-- "missing_secrets": [names], which the worker lacks: it waits, READY, until some worker may have them. p_retries are the handlers' own
-- policies (null for none), for steps that have none.
-- Answers as complete_tasks(); state is RETRYING, DEAD_LETTER, CANCELLED or READY where accepted.
-- Errors: WF002 arrays that differ · WF004.
create or replace function onceflow.fail_tasks(
    p_instance_ids uuid[], p_tasks text[], p_fences uuid[], p_errors jsonb[],
    p_retryable boolean[], p_retries jsonb[])
returns table (instance_id uuid, task text, answer text, state text)
language plpgsql volatile security definer set search_path = pg_catalog, pg_temp
set plan_cache_mode = 'force_generic_plan' set jit = 'off' set max_parallel_workers_per_gather = 0
set enable_seqscan = 'off' set enable_hashjoin = 'off' set enable_mergejoin = 'off'
set enable_material = 'off' set join_collapse_limit = 1 set cpu_tuple_cost = 1000 as $$
declare
    v_keys onceflow.task_key[] := onceflow.task_keys(p_instance_ids, p_tasks);
    v_ids uuid[] := onceflow.lock_instances(p_instance_ids);
    v_held boolean[];
    v_returned onceflow.change[] := '{}';
begin
    perform onceflow.require_same_length(p_instance_ids, p_fences, cardinality(p_errors));
    perform onceflow.require_same_length(p_instance_ids, p_fences, cardinality(p_retryable));
    perform onceflow.require_same_length(p_instance_ids, p_fences, cardinality(p_retries));
    v_held := onceflow.held_attempts(v_ids, v_keys, p_fences, true);

    if exists (select from unnest(p_errors) e where e ?| '{unknown_field,missing_secrets}') then
        v_returned := onceflow.return_misfits(v_ids, v_keys, p_fences, p_errors);
    end if;

    -- What was returned runs no more, so it does not fail either.
    perform onceflow.finish_transition(v_ids, v_returned || onceflow.fail_attempts(v_ids, array(
        select row(f.instance_id, f.step, f.scope, f.visit, f.fence,
            onceflow.bounded_error(f.error), f.retryable, coalesce(f.error ->> 'unknown' = 'true', false), nullif(f.retry, 'null'))
            ::onceflow.failed_attempt
        from unnest(v_keys, p_fences, p_errors, p_retryable, p_retries)
            f (instance_id, step, scope, visit, fence, error, retryable, retry)), true));

    return query
    select * from onceflow.answer_tasks(v_ids, v_keys, p_tasks, p_fences, v_held);
end $$;
revoke execute on function onceflow.fail_tasks(
    uuid[], text[], uuid[], jsonb[], boolean[], jsonb[]) from public;
