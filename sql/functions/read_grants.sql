-- read_grants(worker, token) -> the tasks that run under a token
-- What a claim or a completion with hand-off has granted, for as long as it is not answered. key is
-- the idempotency key, the same in every attempt; timeout is in seconds, null for none.
create or replace function onceflow.read_grants(p_worker_id uuid, p_token uuid)
returns table (
    instance_id uuid, task text, fence uuid, handler text, queue text, input jsonb, attempt int,
    timeout double precision, key text, workflow text, version int, compensation boolean)
language plpgsql stable security definer set search_path = '' as $$
#variable_conflict use_column
begin
    return query
    select t.instance_id, onceflow.task_name(t.step, t.scope, t.visit), t.fence,
        s.spec ->> 'task', t.queue, t.input, t.attempt, (s.spec ->> 'timeout')::float8,
        onceflow.idempotency_key(t.instance_id, t.step, t.scope, t.visit),
        w.name, v.version, s.kind = 'compensation'
    from onceflow.task t
    join onceflow.instance i on i.id = t.instance_id
    join onceflow.workflow_version v on v.id = i.version_id
    join onceflow.workflow w on w.id = v.workflow_id
    join onceflow.step s on s.version_id = i.version_id and s.step = t.step
    where t.worker_id = p_worker_id and t.fence = p_token and t.state = 'RUNNING';
end $$;
revoke execute on function onceflow.read_grants(uuid, uuid) from public;
