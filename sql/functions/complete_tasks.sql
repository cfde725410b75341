-- complete_tasks(worker, instance ids, tasks, fences, outputs, token, call, room)
--   -> (instance_id, task, answer, state)
-- Ends attempts with their outputs and moves their instances on, all in one transition each.
-- With a fresh p_token and p_room > 0, up to p_room tasks that come due on the worker's queues are
-- handed off: made RUNNING under p_token at once, without a message; read_grants() tells them.
-- answer: accepted | repeated (answered before under this fence; state tells as what) | stale
--   (the fence is not, or no longer, the task's; nothing was changed).
-- Errors: WF002 arrays that differ · WF004 · a check violation where an output is too large.
create or replace function onceflow.complete_tasks(
    p_worker_id uuid, p_instance_ids uuid[], p_tasks text[], p_fences uuid[], p_outputs jsonb[],
    p_token uuid default null, p_call bigint default 0, p_room int default 0)
returns table (instance_id uuid, task text, answer text, state text)
language plpgsql volatile security definer set search_path = ''
set plan_cache_mode = 'force_generic_plan' set jit = 'off' set max_parallel_workers_per_gather = 0
set enable_seqscan = 'off' set enable_hashjoin = 'off' set enable_mergejoin = 'off'
set enable_material = 'off' set join_collapse_limit = 1 set cpu_tuple_cost = 1000 as $$
#variable_conflict use_column
declare
    v_keys onceflow.task_key[] := onceflow.task_keys(p_instance_ids, p_tasks);
    v_ids uuid[] := onceflow.lock_instances(p_instance_ids);
    v_now timestamptz := onceflow.now();
    v_held boolean[];
    v_changes onceflow.change[];
begin
    perform onceflow.require_same_length(p_instance_ids, p_fences, cardinality(p_outputs));
    v_held := onceflow.lock_attempts(v_ids, v_keys, p_fences);

    with completed as (
        update onceflow.task t
        set state = 'SUCCEEDED', output = k.output, seq = k.seq + 1, error = null,
            worker_id = null, call = null, due_at = null, changed_at = v_now
        from (
            select k.*, i.seq
            from unnest(v_keys, p_fences, p_outputs) k (instance_id, step, scope, visit, fence, output)
            cross join lateral (
                select i.seq from onceflow.instance i
                where i.id = k.instance_id and i.id between v_ids[1] and v_ids[cardinality(v_ids)] offset 0) i
            offset 0) k
        where t.instance_id = k.instance_id and t.step = k.step and t.scope = k.scope
            and t.visit = k.visit and t.instance_id >= v_ids[1]
            and t.state = 'RUNNING' and t.fence = k.fence
        returning t.instance_id, t.step, t.scope, t.visit, t.attempt, t.queue
    )
    select coalesce(array_agg(row(c.instance_id, c.step, c.scope, c.visit, c.attempt,
        'RUNNING', 'SUCCEEDED', -1, p_worker_id, c.queue, null)::onceflow.change), '{}')
    into v_changes
    from completed c;

    if cardinality(v_changes) > 0 then
        perform onceflow.record_changes(v_ids, v_changes || onceflow.advance_instances(v_ids,
            onceflow.changed_to(v_changes, 'SUCCEEDED'),
            onceflow.next_compensations(v_ids, array(select c.instance_id from unnest(v_changes) c)),
            p_worker_id, p_token, p_call, case when p_token is null then 0 else p_room end));
    end if;
    return query
    select * from onceflow.answer_tasks(v_ids, v_keys, p_tasks, p_fences, v_held);
end $$;
revoke execute on function onceflow.complete_tasks(
    uuid, uuid[], text[], uuid[], jsonb[], uuid, bigint, int) from public;
