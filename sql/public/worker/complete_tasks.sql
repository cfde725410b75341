-- complete_tasks(worker, instance ids, tasks, fences, outputs, token, call, room)
--   -> (instance_id, task, answer, state, and of what is granted all that it takes to run it)
-- Ends attempts with their outputs and moves their instances on, all in one transition each.
-- With a fresh p_token and p_room > 0, up to p_room tasks that come due on the worker's queues are
-- handed off: made RUNNING under p_token at once, without a message. Repeating a call with its token
-- tells the same grants, for as long as they are not answered.
-- answer: accepted | repeated (answered before under this fence; state tells as what) | stale
--   (the fence is not, or no longer, the task's; nothing was changed); then, a row each,
--   granted: what was handed off. read_grants() says what its columns mean.
-- Errors: WF002 arrays that differ, an output that may not be kept (payload_fault()) · WF004.
create or replace function onceflow.complete_tasks(
    p_worker_id uuid, p_instance_ids uuid[], p_tasks text[], p_fences uuid[], p_outputs jsonb[],
    p_token uuid default null, p_call bigint default 0, p_room int default 0)
returns table (
    instance_id uuid, task text, answer text, state text,
    fence uuid, handler text, queue text, input jsonb, attempt int, timeout double precision,
    key text, workflow text, version int, compensation boolean, extra jsonb)
language plpgsql volatile security definer set search_path = pg_catalog, pg_temp
set plan_cache_mode = 'force_generic_plan' set jit = 'off' set max_parallel_workers_per_gather = 0
set enable_seqscan = 'off' set enable_hashjoin = 'off' set enable_mergejoin = 'off'
set enable_material = 'off' set join_collapse_limit = 1 set cpu_tuple_cost = 1000 as $$
#variable_conflict use_column
declare
    -- One, in no scope. Arrays may begin elsewhere than at 1.
    v_alone constant boolean := coalesce(strpos(p_tasks[1], '/') = 0 and p_tasks[1] <> ''
        and concat_ws(',', array_dims(p_instance_ids), array_dims(p_tasks), array_dims(p_fences), array_dims(p_outputs))
            = '[1:1],[1:1],[1:1],[1:1]', false);
    v_keys onceflow.task_key[];
    v_ids uuid[];
    v_accepted int[];
    v_ended onceflow.placed_task[];
    v_undone onceflow.scope_key[];
    v_changes onceflow.change[];
    v_moved record;
    v_one record;
    v_grant onceflow.hand_off;
    v_granted int := 0;
begin
    if not v_alone then
        v_keys := onceflow.task_keys(p_instance_ids, p_tasks);
        perform onceflow.require_same_length(p_instance_ids, p_fences, cardinality(p_outputs));
    end if;
    if not onceflow.is_small_alone(p_outputs) then
        perform onceflow.require_outputs(p_outputs);
    end if;

    if v_alone then
        v_one := onceflow.complete_alone(p_worker_id, p_instance_ids[1], p_tasks[1], p_fences[1], p_outputs[1],
            p_token, p_call, case when p_token is null then 0 else p_room end);
        if v_one.o_moved then
            instance_id := p_instance_ids[1]; task := p_tasks[1]; answer := 'accepted'; state := 'SUCCEEDED';
            return next;
            v_grant := v_one.o_grant;
            if v_grant.task is not null then
                return query
                select v_grant.instance_id, v_grant.task, v_grant.answer, 'RUNNING', v_grant.fence, v_grant.handler, v_grant.queue,
                    v_grant.input, v_grant.attempt, v_grant.timeout, v_grant.key, v_grant.workflow, v_grant.version,
                    v_grant.compensation, v_grant.extra;
            end if;
            return;
        end if;
        v_keys := onceflow.task_keys(p_instance_ids, p_tasks);
        v_ids := array_remove(p_instance_ids, null);
        v_changes := case when v_one.o_change is null then '{}' else array[v_one.o_change] end;
        v_ended := array[v_one.o_ended]; v_accepted := case when v_one.o_change is null then '{}' else '{1}' end;
        v_undone := case when v_one.o_undone then array[row(p_instance_ids[1], 0)::onceflow.scope_key] else '{}' end;
    else
        v_ids := onceflow.lock_instances(p_instance_ids);
        v_moved := onceflow.complete_set(p_worker_id, v_ids, v_keys, p_fences, p_outputs);
        v_changes := v_moved.o_changes; v_ended := v_moved.o_ended;
        v_accepted := v_moved.o_accepted; v_undone := v_moved.o_undone;
    end if;

    if cardinality(v_changes) > 0 then
        v_moved := onceflow.advance_instances(v_ids, v_changes, v_ended, '{}', p_undone => v_undone,
            p_worker_id => p_worker_id, p_token => p_token, p_call => p_call,
            p_room => case when p_token is null then 0 else p_room end);
        v_granted := v_moved.o_granted;
        perform onceflow.finish_transition(v_ids, v_moved.o_changes);
    end if;

    if cardinality(v_accepted) = cardinality(p_tasks) then
        return query
        select k.id, k.task, 'accepted', 'SUCCEEDED', null::uuid, null, null, null::jsonb, null::int,
            null::float8, null, null, null::int, null::boolean, null::jsonb
        from unnest(p_instance_ids, p_tasks) with ordinality k (id, task, n) order by k.n;
    else
        return query
        select a.*, null::uuid, null, null, null::jsonb, null::int, null::float8, null, null, null::int,
            null::boolean, null::jsonb
        from onceflow.answer_tasks(v_ids, v_keys, p_tasks, p_fences, array(
            select n = any (v_accepted) from generate_series(1, cardinality(v_keys)) n order by n)) a;
    end if;
    -- Where all was accepted and nothing came due here, nothing can be granted.
    if p_token is not null and (v_granted > 0 or cardinality(v_accepted) < cardinality(p_tasks)) then
        return query
        select g.instance_id, g.task, 'granted', 'RUNNING', g.fence, g.handler, g.queue, g.input,
            g.attempt, g.timeout, g.key, g.workflow, g.version, g.compensation, g.extra
        from onceflow.grants g
        where g.worker_id = p_worker_id and g.fence = p_token and g.instance_id >= v_ids[1];
    end if;
end $$;
revoke execute on function onceflow.complete_tasks(
    uuid, uuid[], text[], uuid[], jsonb[], uuid, bigint, int) from public;
