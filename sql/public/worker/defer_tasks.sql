-- defer_tasks(instance ids, tasks, fences, timeouts) -> (instance_id, task, answer, state)
-- Leaves attempts to be answered from outside: WAITING, without a worker, until complete_deferred_tasks() or
-- fail_deferred_tasks() is called with the token of the attempt (a digest of its fence); or, after p_timeouts
-- seconds, until the clock fails it (timeout, its effect unknown). In a CLOSING instance the task is CANCELLED,
-- its effect unknown. Whoever answers before the attempt is deferred is first, and this finds it repeated.
-- Answers as complete_tasks().
-- Errors: WF002 arrays that differ, a timeout that is not above 0, or above ten years · WF004.
create or replace function onceflow.defer_tasks(
    p_instance_ids uuid[], p_tasks text[], p_fences uuid[], p_timeouts double precision[])
returns table (instance_id uuid, task text, answer text, state text)
language plpgsql volatile security definer set search_path = pg_catalog, pg_temp
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
    perform onceflow.require_same_length(p_instance_ids, p_fences, cardinality(p_timeouts));
    if exists (select from unnest(p_timeouts) t where (t > 0 and t <= 315360000) is not true) then
        raise exception 'a deferred task needs a timeout above 0 and of ten years at most, in seconds'
            using errcode = 'WF002', hint = 'Say how long the answer from outside may take.';
    end if;
    v_held := onceflow.held_attempts(v_ids, v_keys, p_fences);

    with judged as (
        select k.*, i.seq + 1 as seq, t.worker_id, t.undoes_seq is null and case
                when k.scope = 0 then i.state else onceflow.own_state(k.instance_id, k.scope, i.state) end <> 'RUNNING'
                as closing
        from unnest(v_keys, p_fences, p_timeouts) k (instance_id, step, scope, visit, fence, timeout)
        cross join lateral (
            select t.worker_id, t.undoes_seq from onceflow.task t
            where t.instance_id = k.instance_id and t.step = k.step and t.scope = k.scope
                and t.visit = k.visit and t.instance_id between v_ids[1] and v_ids[cardinality(v_ids)]
                and t.state = 'RUNNING' and t.fence = k.fence offset 0) t
        cross join lateral (
            select i.seq, i.state from onceflow.instance i
            where i.id = k.instance_id and i.id between v_ids[1] and v_ids[cardinality(v_ids)] offset 0) i
        offset 0
    ), deferred as (
        update onceflow.task t
        set state = case when j.closing then 'CANCELLED' else 'WAITING' end,
            seq = case when j.closing then j.seq end, unknown = t.unknown or j.closing,
            due_at = case when not j.closing then v_now + make_interval(secs => j.timeout) end,
            worker_id = null, call = null, changed_at = v_now
        from judged j
        where t.instance_id = j.instance_id and t.step = j.step and t.scope = j.scope
            and t.visit = j.visit and t.instance_id >= v_ids[1]
            and t.state = 'RUNNING' and t.fence = j.fence
        returning t.instance_id, t.step, t.scope, t.visit, t.attempt, t.state, t.queue, j.worker_id
    )
    select coalesce(array_agg(onceflow.task_change(d.instance_id, d.step, d.scope, d.visit, d.attempt,
        'RUNNING', d.state, d.queue, d.worker_id)), '{}')
    into v_changes
    from deferred d;
    perform onceflow.finish_transition(v_ids, (onceflow.advance_instances(v_ids, v_changes, '{}', '{}')).o_changes);
    return query
    select * from onceflow.answer_tasks(v_ids, v_keys, p_tasks, p_fences, v_held);
end $$;
revoke execute on function onceflow.defer_tasks(uuid[], text[], uuid[], double precision[]) from public;
