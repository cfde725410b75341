-- begin_waiting(sorted ids, begun) -> (changes, ended)   (internal)
-- Steps that have just begun to wait for something that has a name, by their kinds: for people, for instances of their own, for
-- what is sent. Who waits for what is there already has ended.
create or replace function onceflow.begin_waiting(
    p_ids uuid[], p_begun onceflow.begun_wait[],
    out o_changes onceflow.change[], out o_ended onceflow.placed_task[])
language plpgsql volatile as $$
declare
    v_forms constant onceflow.task_key[] := array(
        select row(b.instance_id, b.step, b.scope, b.visit)::onceflow.task_key
        from unnest(p_begun) b where b.kind = 'approve');
    v_children constant onceflow.begun_wait[] := array(
        select b from unnest(p_begun) b where b.kind in ('workflow', 'undo_child'));
    v_others constant onceflow.task_key[] := array(
        select row(b.instance_id, b.step, b.scope, b.visit)::onceflow.task_key
        from unnest(p_begun) b where b.kind = 'wait_for');
    v_begun record;
begin
    o_changes := '{}'; o_ended := '{}';
    if cardinality(v_forms) > 0 then
        perform onceflow.begin_forms(p_ids, v_forms);
    end if;
    if cardinality(v_children) > 0 then
        perform onceflow.begin_children(p_ids, v_children);
    end if;
    if cardinality(v_others) > 0 then
        v_begun := onceflow.begin_waits(p_ids, v_others);
        o_changes := v_begun.o_changes;
        o_ended := v_begun.o_ended;
    end if;
end $$;
revoke execute on function onceflow.begin_waiting(uuid[], onceflow.begun_wait[]) from public;
