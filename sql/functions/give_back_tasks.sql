-- give_back_tasks(worker, instance ids, tasks, fences, started) -> (instance_id, task, answer, state)
-- Gives attempts back that a worker will not finish: due again at once, and the retry budget grows by
-- the attempt. p_started says whether the handler had begun, so that its effect may have happened.
-- Answers as complete_tasks(); in a CLOSING instance the task is CANCELLED.
-- Errors: WF002 arrays that differ · WF004.
create or replace function onceflow.give_back_tasks(
    p_worker_id uuid, p_instance_ids uuid[], p_tasks text[], p_fences uuid[], p_started boolean[])
returns table (instance_id uuid, task text, answer text, state text)
language plpgsql volatile security definer set search_path = '' as $$
declare
    v_keys onceflow.task_key[] := onceflow.task_keys(p_instance_ids, p_tasks);
    v_ids uuid[] := onceflow.lock_instances(p_instance_ids);
    v_changes onceflow.change[];
begin
    perform onceflow.require_same_length(p_instance_ids, p_fences, cardinality(p_started));
    perform onceflow.lock_tasks(v_keys);
    v_changes := onceflow.return_attempts(v_keys, p_fences, p_started, true);
    perform onceflow.record_changes(v_changes);
    return query
    select * from onceflow.answer_tasks(p_instance_ids, p_tasks, p_fences, array(
        select row(c.instance_id, c.step, c.scope, c.visit)::onceflow.task_key
        from unnest(v_changes) c));
end $$;
revoke execute on function onceflow.give_back_tasks(uuid, uuid[], text[], uuid[], boolean[]) from public;
