-- placed_task(instance, step, scope, visit, version, seq, instance's state, held since, waits, given, undoes seq)
--   -> placed_task   (internal)
-- A task that has ended or comes due, with what its locked instance is; suspended_at where an
-- operator holds it alone; given where a person redrives it. Inlined, as task_change() is.
create or replace function onceflow.placed_task(
    p_instance_id uuid, p_step text, p_scope bigint, p_visit int,
    p_version_id bigint, p_seq int, p_state text, p_suspended_at timestamptz default null,
    p_waits boolean default false, p_given jsonb default null, p_undoes_seq int default null)
returns onceflow.placed_task
language sql immutable parallel safe
return row(p_instance_id, p_step, p_scope, p_visit, p_version_id, p_seq, p_state, p_suspended_at,
    p_waits, p_given, p_undoes_seq)::onceflow.placed_task;
revoke execute on function onceflow.placed_task(
    uuid, text, bigint, int, bigint, int, text, timestamptz, boolean, jsonb, int) from public;
