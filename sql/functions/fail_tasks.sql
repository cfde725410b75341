-- fail_tasks(worker, instance ids, tasks, fences, errors, retryable, retries)
--   -> (instance_id, task, answer, state)
-- Ends attempts that failed. An error is {"code", "message", …}; "unknown": true in it says that the
-- effect may have happened, "retry_after" asks for a pause in seconds. p_retries are the handlers' own
-- policies (null for none), for steps that have none.
-- Answers as complete_tasks(); state is RETRYING, DEAD_LETTER or CANCELLED where accepted.
-- Errors: WF002 arrays that differ · WF004.
create or replace function onceflow.fail_tasks(
    p_worker_id uuid, p_instance_ids uuid[], p_tasks text[], p_fences uuid[], p_errors jsonb[],
    p_retryable boolean[], p_retries jsonb[])
returns table (instance_id uuid, task text, answer text, state text)
language plpgsql volatile security definer set search_path = '' as $$
declare
    v_keys onceflow.task_key[] := onceflow.task_keys(p_instance_ids, p_tasks);
    v_ids uuid[] := onceflow.lock_instances(p_instance_ids);
    v_changes onceflow.change[];
begin
    perform onceflow.require_same_length(p_instance_ids, p_fences, cardinality(p_errors));
    perform onceflow.require_same_length(p_instance_ids, p_fences, cardinality(p_retryable));
    perform onceflow.require_same_length(p_instance_ids, p_fences, cardinality(p_retries));
    perform onceflow.lock_tasks(v_keys);

    v_changes := onceflow.fail_attempts(array(
        select row(k.instance_id, k.step, k.scope, k.visit, f.fence,
            case when jsonb_typeof(f.error) = 'object' then f.error
                else jsonb_build_object('message', f.error) end,
            f.retryable, coalesce(f.error ->> 'unknown' = 'true', false), nullif(f.retry, 'null'))
            ::onceflow.failed_attempt
        from unnest(v_keys) with ordinality k (instance_id, step, scope, visit, n)
        join unnest(p_fences, p_errors, p_retryable, p_retries)
            with ordinality f (fence, error, retryable, retry, n) using (n)), true);
    perform onceflow.record_changes(v_changes);

    return query
    select * from onceflow.answer_tasks(p_instance_ids, p_tasks, p_fences, array(
        select row(c.instance_id, c.step, c.scope, c.visit)::onceflow.task_key
        from unnest(v_changes) c where c.was = 'RUNNING'));
end $$;
revoke execute on function onceflow.fail_tasks(
    uuid, uuid[], text[], uuid[], jsonb[], boolean[], jsonb[]) from public;
