-- idempotency_key(instance, step, scope, visit) -> text   (internal)
-- The key under which a task asks the outside world for its effect: the same in every attempt.
create or replace function onceflow.idempotency_key(
    p_instance_id uuid, p_step text, p_scope bigint, p_visit int) returns text
language sql immutable parallel safe set search_path = '' as $$
    select p_instance_id || '/' || onceflow.task_name(p_step, p_scope, p_visit)
$$;
revoke execute on function onceflow.idempotency_key(uuid, text, bigint, int) from public;
