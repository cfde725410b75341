-- undo_blocks(sorted ids, begun, continued) -> (changes, due, ended)   (internal)
-- The ways back of blocks, by their undo rows: of those begun each scope in which there is something to undo waits for
-- its turn; of both the next ones begin (undo_scopes). Where nothing is left the row ends, and what waited for it goes on: the
-- scope around with what it undoes next, or the step of a block that has failed.
create or replace function onceflow.undo_blocks(
    p_ids uuid[], p_begun onceflow.task_key[], p_continued onceflow.task_key[],
    out o_changes onceflow.change[], out o_due onceflow.placed_task[], out o_ended onceflow.placed_task[])
language plpgsql volatile as $$
declare
    v_part record;
begin
    o_changes := '{}'; o_due := '{}'; o_ended := '{}';
    if cardinality(p_begun) + cardinality(p_continued) = 0 then
        return;
    end if;
    update onceflow.scope s
    set undo = 'waiting'
    from unnest(p_begun) k
    cross join lateral (
        select i.version_id from onceflow.instance i where i.id = k.instance_id offset 0) i
    cross join lateral (
        select e.from_step as block from onceflow.edge e
        where e.version_id = i.version_id and e.to_step = k.step and e.kind = 'undo' offset 0) e
    where s.instance_id = k.instance_id and s.parent = k.scope and s.block = e.block and s.visit = k.visit
        and s.instance_id >= p_ids[1] and s.undo is null and s.state <> 'WAITING'
        and onceflow.has_undo(k.instance_id, i.version_id, s.scope);

    v_part := onceflow.undo_scopes(p_ids, p_begun || p_continued);
    o_changes := v_part.o_changes;
    o_due := v_part.o_due;
    if cardinality(v_part.o_done) > 0 then
        v_part := onceflow.end_undo(p_ids, v_part.o_done);
        o_changes := o_changes || v_part.o_changes;
        o_due := o_due || onceflow.find_tasks(p_ids, onceflow.next_compensations(p_ids, v_part.o_scopes));
        v_part := onceflow.unwind_blocks(p_ids, v_part.o_unwinding);
        o_changes := o_changes || v_part.o_changes;
        o_ended := v_part.o_ended;
    end if;
end $$;
revoke execute on function onceflow.undo_blocks(uuid[], onceflow.task_key[], onceflow.task_key[]) from public;
