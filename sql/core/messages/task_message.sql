-- task_message(instance, step, scope, visit) -> jsonb   (internal)
-- What a message says that a task is QUEUED; read_messages() reads it back. Inlined.
create or replace function onceflow.task_message(p_instance_id uuid, p_step text, p_scope bigint, p_visit int) returns jsonb
language sql stable parallel safe
as $$
    select jsonb_build_object('instance', p_instance_id, 'task', onceflow.task_name(p_step, p_scope, p_visit))
$$;
revoke execute on function onceflow.task_message(uuid, text, bigint, int) from public;
