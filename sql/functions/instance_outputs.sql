-- instance_outputs(sorted ids) -> evaluated_task[]   (internal)
-- Evaluates the `output` of those of the instances that are RUNNING; an output that fails gives its
-- own instance an error and no other (halves, as in evaluate_due).
create or replace function onceflow.instance_outputs(p_ids uuid[]) returns onceflow.evaluated_task[]
language plpgsql stable set search_path = '' as $$
declare
    v_half int := cardinality(p_ids) / 2;
begin
    if cardinality(p_ids) = 0 then
        return '{}';
    end if;
    begin
        return array(
            select row(i.id, null, null, null, true, e.output,
                onceflow.payload_error(e.output))::onceflow.evaluated_task
            from onceflow.instance i
            join onceflow.workflow_version v on v.id = i.version_id
            cross join lateral (select case when v.output is not null then onceflow.evaluate(v.output,
                onceflow.step_context(i.id, v.id, null, 0, 0, 'output', to_jsonb(v.output_reads)))
                end as output) e
            where i.id = any (p_ids) and i.id >= p_ids[1]
                and i.state = 'RUNNING');
    exception when others then
        if sqlstate ~ '^(08|40|53|55|57|58|XX)' then
            raise;
        elsif v_half = 0 then
            return array[row(p_ids[1], null, null, null, true, null, jsonb_build_object(
                'code', 'output', 'message', sqlerrm, 'sqlstate', sqlstate))::onceflow.evaluated_task];
        end if;
    end;
    return onceflow.instance_outputs(p_ids[1:v_half]) || onceflow.instance_outputs(p_ids[v_half + 1:]);
end $$;
revoke execute on function onceflow.instance_outputs(uuid[]) from public;
