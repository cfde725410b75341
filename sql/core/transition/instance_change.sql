-- instance_change(instance, was, state, error, seq) -> change   (internal)
-- One transition of an instance itself, beside those of its tasks; was is null where it begins. Inlined, as
-- task_change() is.
create or replace function onceflow.instance_change(
    p_instance_id uuid, p_was text, p_state text, p_error jsonb default null, p_seq int default null)
returns onceflow.change
language sql immutable parallel safe
return row(p_instance_id, null, null, null, null, p_was, p_state, 0, null, null, p_error, p_seq)::onceflow.change;
revoke execute on function onceflow.instance_change(uuid, text, text, jsonb, int) from public;
