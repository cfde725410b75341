-- read_grants(worker, token, instance ids) -> the tasks that run under a token
-- What a claim or a completion with hand-off has granted, for as long as it is not answered. key is
-- the idempotency key, the same in every attempt; timeout is in seconds, null for none. The ids of
-- the claim or completion, where given, keep the search to their partitions.
create or replace function onceflow.read_grants(
    p_worker_id uuid, p_token uuid, p_instance_ids uuid[] default null)
returns table (
    instance_id uuid, task text, fence uuid, handler text, queue text, input jsonb, attempt int,
    timeout double precision, key text, workflow text, version int, compensation boolean)
language plpgsql stable security definer set search_path = ''
set plan_cache_mode = 'force_generic_plan' set jit = 'off' set max_parallel_workers_per_gather = 0
set enable_seqscan = 'off' set enable_hashjoin = 'off' set enable_mergejoin = 'off'
set enable_material = 'off' set join_collapse_limit = 1 set cpu_tuple_cost = 1000 as $$
#variable_conflict use_column
declare
    v_ids uuid[] := array(select u from unnest(p_instance_ids) u order by u);
    v_low uuid := coalesce(v_ids[1], '00000000-0000-0000-0000-000000000000');
begin
    return query
    select t.instance_id, onceflow.task_name(t.step, t.scope, t.visit), t.fence,
        s.spec ->> 'task', t.queue, t.input, t.attempt, (s.spec ->> 'timeout')::float8,
        onceflow.idempotency_key(t.instance_id, t.step, t.scope, t.visit),
        w.name, v.version, s.kind = 'compensation'
    from onceflow.task t
    join onceflow.instance i on i.id = t.instance_id and i.id >= v_low
    join onceflow.workflow_version v on v.id = i.version_id
    join onceflow.workflow w on w.id = v.workflow_id
    join onceflow.step s on s.version_id = i.version_id and s.step = t.step
    where t.worker_id = p_worker_id and t.fence = p_token and t.state = 'RUNNING'
        and t.instance_id >= v_low;
end $$;
revoke execute on function onceflow.read_grants(uuid, uuid, uuid[]) from public;
