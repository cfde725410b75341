-- renew_worker(worker, tokens, call, progress, stats) -> (instance_id, task) to be told to stop
-- Renews the lease, whatever the worker runs. p_tokens are the tokens that it holds or that are in
-- flight, p_call the number that its next claiming call will carry. What else runs in its name, from an
-- earlier call, was granted by an answer that never arrived: it is given out again.
-- The answer names forward tasks that run in instances which have begun to end.
-- Errors: WF003 where the worker was declared dead: that is final · WF004.
create or replace function onceflow.renew_worker(
    p_worker_id uuid, p_tokens uuid[], p_call bigint, p_progress jsonb, p_stats jsonb)
returns table (instance_id uuid, task text)
language plpgsql volatile security definer set search_path = pg_catalog, pg_temp
set plan_cache_mode = 'force_generic_plan' set jit = 'off' set max_parallel_workers_per_gather = 0
set enable_seqscan = 'off' set enable_hashjoin = 'off' set enable_mergejoin = 'off'
set enable_material = 'off' set join_collapse_limit = 1 set cpu_tuple_cost = 1000 as $$
#variable_conflict use_column
declare
    v_ids uuid[];
    v_lost onceflow.task_key[];
    v_fences uuid[];
begin
    update onceflow.worker w
    set lease_until = clock_timestamp() + w.lease,
        -- The lease is what matters: what cannot be kept, or shown, is left as it was.
        progress = case when onceflow.payload_fault(p_progress) is null then p_progress else w.progress end,
        stats = case when onceflow.payload_fault(p_stats, 65536) is null then p_stats else w.stats end
    where w.id = p_worker_id and w.state = 'live';
    perform onceflow.require_live_worker(p_worker_id);

    select array_agg(t.instance_id),
        array_agg(row(t.instance_id, t.step, t.scope, t.visit)::onceflow.task_key), array_agg(t.fence)
    into v_ids, v_lost, v_fences
    from onceflow.task t
    where t.worker_id = p_worker_id and t.state = 'RUNNING'
        and t.fence <> all (p_tokens) and t.call < p_call;
    if v_ids is not null then
        -- Not waited for: the lease is what matters here, and the next renewal looks again.
        v_ids := onceflow.lock_instances(v_ids, false);
        select coalesce(array_agg(l.key), '{}'), coalesce(array_agg(l.fence), '{}') into v_lost, v_fences
        from unnest(v_lost, v_fences) k (instance_id, step, scope, visit, fence)
        cross join lateral (select
            row(k.instance_id, k.step, k.scope, k.visit)::onceflow.task_key as key, k.fence) l
        where k.instance_id = any (v_ids);
        perform onceflow.lock_tasks(v_lost, 'RUNNING');
        perform onceflow.finish_transition(v_ids, onceflow.return_attempts(
            v_ids, v_lost, v_fences, array_fill(true, array[cardinality(v_fences)]), false));
    end if;

    return query
    select t.instance_id, onceflow.task_name(t.step, t.scope, t.visit)
    from onceflow.task t
    join onceflow.instance i on i.id = t.instance_id
    where t.worker_id = p_worker_id and t.state = 'RUNNING' and t.undoes_seq is null and case t.scope
        when 0 then i.state else onceflow.own_state(t.instance_id, t.scope, i.state) end <> 'RUNNING';
end $$;
revoke execute on function onceflow.renew_worker(uuid, uuid[], bigint, jsonb, jsonb) from public;
