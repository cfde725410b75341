-- instance_outputs(sorted ids, answered) -> evaluated_output[]   (internal)
-- Evaluates the `output` of those of the instances that are RUNNING; one that fails gives its own
-- instance an error and no other. What a `return` has given goes first. In those of p_answered it had failed, and a person
-- has said what it gives.
create or replace function onceflow.instance_outputs(p_ids uuid[], p_answered uuid[])
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
            select case when v.returns then onceflow.returned_output(i.id, v.id) end as returned
            from onceflow.workflow_version v where v.id = i.version_id offset 0) v
        left join lateral (
            select s.spec from onceflow.step s
            where s.version_id = i.version_id and s.step = 'workflow.output' offset 0) s on true
        cross join lateral (
            select case
                when v.returned is not null then row(true, v.returned, null)::onceflow.evaluation
                when i.id = any (p_answered) then (
                    select row(true, t.output, null)::onceflow.evaluation from onceflow.task t
                    where t.instance_id = i.id and t.step = 'workflow.output' and t.scope = 0 and t.visit = 0
                        and t.instance_id between p_ids[1] and p_ids[cardinality(p_ids)])
                when s.spec is not null then onceflow.try_evaluate(null, s.spec -> 'with',
                    onceflow.step_context(i.id, i.version_id, null, 0, 0, 'output', s.spec -> 'reads',
                        p_told => s.spec -> 'told'))
                end as found offset 0) e);
end $$;
revoke execute on function onceflow.instance_outputs(uuid[], uuid[]) from public;
