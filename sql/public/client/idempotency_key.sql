-- idempotency_key(instance, task) -> text
-- The key under which a task asks the outside world for its effect: the same in every attempt.
create or replace function onceflow.idempotency_key(p_instance_id uuid, p_task text) returns text
language sql immutable parallel safe
return p_instance_id::text || '/' || p_task;
revoke execute on function onceflow.idempotency_key(uuid, text) from public;
