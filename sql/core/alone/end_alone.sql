-- end_alone(ended, changes, open tasks, now) -> moved   (internal)
-- What advance_alone() does where nothing follows: its instance ends where this was its last task, with null for its output.
-- Not moved, with nothing written: there is an output to evaluate, or what was returned.
create or replace function onceflow.end_alone(
    p_ended onceflow.placed_task, p_changes onceflow.change[], p_open_tasks int, p_now timestamptz)
returns boolean
language plpgsql volatile as $$
declare
    v_id constant uuid := p_ended.instance_id;
begin
    if exists (select from onceflow.workflow_version v where v.id = p_ended.version_id and v.returns)
            or exists (
                select from onceflow.step o where o.version_id = p_ended.version_id and o.step = 'workflow.output') then
        return false;
    elsif p_open_tasks > 1 then
        perform onceflow.record_changes(array[v_id], p_changes, '{}', p_now);
    else
        perform onceflow.record_changes(array[v_id],
            p_changes || onceflow.instance_change(v_id, 'RUNNING', 'SUCCEEDED', null, p_ended.seq),
            array[row(v_id, null, null)::onceflow.evaluated_output], p_now);
    end if;
    return true;
end $$;
revoke execute on function onceflow.end_alone(onceflow.placed_task, onceflow.change[], int, timestamptz) from public;
