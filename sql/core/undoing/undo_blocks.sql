-- undo_blocks(sorted ids, undo rows of blocks) -> (changes, counts, due, ended)   (internal)
-- The ways back of blocks, by their undo rows: the next of their scopes begin theirs (undo_scopes). Where nothing is left the row
-- ends, and what waited for it goes on: the scope around with what it undoes next, or the step of a block that has failed.
create or replace function onceflow.undo_blocks(
    p_ids uuid[], p_rows onceflow.task_key[],
    out o_changes onceflow.change[], out o_counts onceflow.scope_count[], out o_due onceflow.placed_task[],
    out o_ended onceflow.placed_task[])
language plpgsql volatile as $$
declare
    v_part record;
begin
    o_changes := '{}'; o_counts := '{}'; o_due := '{}'; o_ended := '{}';
    if cardinality(p_rows) = 0 then
        return;
    end if;
    v_part := onceflow.undo_scopes(p_ids, p_rows);
    o_changes := v_part.o_changes;
    o_counts := v_part.o_counts;
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
revoke execute on function onceflow.undo_blocks(uuid[], onceflow.task_key[]) from public;
