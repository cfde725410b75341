-- task_change(instance, step, scope, visit, attempt, was, state, queue, worker, error, seq) -> change   (internal)
-- One transition of a task; was is null for a row that is new. What it adds to the open tasks of its instance
-- follows from the two states: a dead letter that becomes one again has become a record, which is not open.
-- Inlined where it is called (test_constructors.py), so give columns: an expression is evaluated once a use.
create or replace function onceflow.task_change(
    p_instance_id uuid, p_step text, p_scope bigint, p_visit int, p_attempt int,
    p_was text, p_state text, p_queue text default null,
    p_worker_id uuid default null, p_error jsonb default null, p_seq int default null)
returns onceflow.change
language sql immutable parallel safe
return row(p_instance_id, p_step, p_scope, p_visit, p_attempt, p_was, p_state,
    case when p_state in ('SUCCEEDED', 'FAILED', 'SKIPPED', 'CANCELLED')
        or (p_was = 'DEAD_LETTER' and p_state = 'DEAD_LETTER') then 0 else 1 end
        - case when p_was is null then 0 else 1 end,
    p_worker_id, p_queue, p_error, p_seq)::onceflow.change;
revoke execute on function onceflow.task_change(
    uuid, text, bigint, int, int, text, text, text, uuid, jsonb, int) from public;
