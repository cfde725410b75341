-- changed_to(changes, state) -> task_key[]   (internal)
-- The tasks that a set of changes brought into a state.
create or replace function onceflow.changed_to(p_changes onceflow.change[], p_state text)
returns onceflow.task_key[]
language plpgsql immutable as $$
begin
    return array(
        select row(c.instance_id, c.step, c.scope, c.visit)::onceflow.task_key
        from unnest(p_changes) c
        where c.state = p_state and c.step is not null);
end $$;
revoke execute on function onceflow.changed_to(onceflow.change[], text) from public;
