-- scope_change(instance, scope, was, state, error, seq) -> change   (internal)
-- One transition of a scope, beside those of its tasks: for the log. Inlined, as task_change() is.
create or replace function onceflow.scope_change(
    p_instance_id uuid, p_scope bigint, p_was text, p_state text, p_error jsonb default null, p_seq int default null)
returns onceflow.change
language sql immutable parallel safe
return row(p_instance_id, null, p_scope, null, null, p_was, p_state, 0, null, null, p_error, p_seq)::onceflow.change;
revoke execute on function onceflow.scope_change(uuid, bigint, text, text, jsonb, int) from public;
