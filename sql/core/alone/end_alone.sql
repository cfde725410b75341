-- end_alone(instance, change, now) -> moved   (internal)
-- What advance_alone() does where nothing follows: its instance ends where this was its last task, with null for its output.
-- Not moved, with nothing written: there is an output to evaluate, or what was returned; or its parent waits for its end.
create or replace function onceflow.end_alone(
    p_instance onceflow.instance, p_change onceflow.change, p_now timestamptz)
returns boolean
language plpgsql volatile as $$
declare
    v_id constant uuid := p_instance.id;
    v_version_id constant bigint := p_instance.version_id;
begin
    if p_instance.parent_id is not null
            or exists (select from onceflow.workflow_version v where v.id = v_version_id and v.returns)
            or exists (
                select from onceflow.step o where o.version_id = v_version_id and o.step = 'workflow.output') then
        return false;
    elsif p_instance.open_tasks > 1 then
        perform onceflow.record_alone(array[p_change], p_change.opened, 0, false, '{}', p_now);
    else
        perform onceflow.record_alone(
            array[p_change, onceflow.instance_change(v_id, 'RUNNING', 'SUCCEEDED', null, p_instance.seq + 1)],
            p_change.opened, 0, false, array[row(v_id, null, null)::onceflow.evaluated_output], p_now);
    end if;
    return true;
end $$;
revoke execute on function onceflow.end_alone(onceflow.instance, onceflow.change, timestamptz) from public;
