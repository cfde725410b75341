-- close_failed_outputs(sorted ids, outputs) -> change[]   (internal)
-- Closes those of the locked instances whose `output` could not be evaluated: by their workflow's policy
-- (`fail` without compensation, else with it), since there is no task that a person could redrive.
create or replace function onceflow.close_failed_outputs(
    p_ids uuid[], p_outputs onceflow.evaluated_output[])
returns onceflow.change[]
language plpgsql volatile as $$
declare
    v_changes onceflow.change[];
begin
    select onceflow.close_instances(
        array_agg(o.instance_id order by o.instance_id),
        array_agg(case v.on_failure when 'fail' then 'FAILED' else 'COMPENSATED' end order by o.instance_id),
        array_agg(o.error order by o.instance_id))
    into v_changes
    from unnest(p_outputs) o
    join onceflow.instance i on i.id = o.instance_id and i.id >= p_ids[1]
    join onceflow.workflow_version v on v.id = i.version_id
    where o.error is not null;
    return (onceflow.advance_instances(p_ids, v_changes, '{}', '{}')).o_changes;
end $$;
revoke execute on function onceflow.close_failed_outputs(uuid[], onceflow.evaluated_output[]) from public;
