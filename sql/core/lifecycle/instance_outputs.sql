-- instance_outputs(sorted ids) -> evaluated_output[]   (internal)
-- Evaluates the `output` of those of the instances that are RUNNING; one that fails gives its own
-- instance an error and no other.
create or replace function onceflow.instance_outputs(p_ids uuid[])
returns onceflow.evaluated_output[]
language plpgsql stable as $$
begin
    return array(
        select row(i.id, (e.found).value, (e.found).error)::onceflow.evaluated_output
        from unnest(p_ids) u (id)
        cross join lateral (
            select i.id, i.version_id from onceflow.instance i
            where i.id = u.id and i.id between p_ids[1] and p_ids[cardinality(p_ids)]
                and i.state = 'RUNNING' offset 0) i
        cross join lateral (
            select v.output, v.output_reads from onceflow.workflow_version v
            where v.id = i.version_id offset 0) v
        cross join lateral (
            select case when v.output is not null then onceflow.try_evaluate('output', null, v.output,
                onceflow.step_context(i.id, i.version_id, null, 0, 0, 'output', to_jsonb(v.output_reads)))
                end as found offset 0) e);
end $$;
revoke execute on function onceflow.instance_outputs(uuid[]) from public;
