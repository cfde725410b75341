-- move_waiting(sorted ids, changes) -> change[]   (internal)
-- Lets locked instances go on behind waits that have ended, as these changes tell: what has succeeded passes its edges,
-- what has failed for good is judged.
create or replace function onceflow.move_waiting(p_ids uuid[], p_changes onceflow.change[]) returns onceflow.change[]
language plpgsql volatile as $$
begin
    if cardinality(p_changes) = 0 then
        return '{}';
    end if;
    return (onceflow.advance_instances(p_ids, p_changes,
        onceflow.find_tasks(p_ids, onceflow.changed_to(p_changes, 'FAILED')
            || onceflow.changed_to(p_changes, 'SUCCEEDED')), '{}',
        onceflow.changed_to(p_changes, 'DEAD_LETTER'))).o_changes;
end $$;
revoke execute on function onceflow.move_waiting(uuid[], onceflow.change[]) from public;
