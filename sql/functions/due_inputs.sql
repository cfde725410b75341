-- due_inputs(ids, due) -> evaluated_task[]   (internal)
-- Evaluates `when` and `with` of steps that are due, in the context of step_context().
-- A step runs unless its `when` gives false or null; a compensation always. Without `with` its input is {}.
-- Errors: those of evaluate(); evaluate_due() keeps them to the step they belong to.
create or replace function onceflow.due_inputs(p_ids uuid[], p_due onceflow.task_key[])
returns onceflow.evaluated_task[]
language plpgsql stable set search_path = '' as $$
begin
    return array(
        select row(d.instance_id, d.step, d.scope, d.visit, r.runs, e.input,
            onceflow.payload_error(e.input))::onceflow.evaluated_task
        from unnest(p_due) with ordinality d (instance_id, step, scope, visit, n)
        cross join lateral (
            select i.version_id from onceflow.instance i
            where i.id = d.instance_id and i.id between p_ids[1] and p_ids[cardinality(p_ids)] offset 0) i
        cross join lateral (
            select s.version_id, s.kind, s.spec from onceflow.step s
            where s.version_id = i.version_id and s.step = d.step offset 0) s
        cross join lateral (
            select case when s.spec -> 'with' ? 'v' and not s.spec ? 'when' then null
                else onceflow.step_context(d.instance_id, s.version_id, d.step, d.scope, d.visit,
                    s.kind, s.spec -> 'reads') end as context) c
        cross join lateral (
            select case when s.spec ? 'when' and s.kind = 'task'
                then coalesce(onceflow.evaluate(s.spec -> 'when', c.context), 'null')
                    not in ('false', 'null')
                else true end as runs) r
        cross join lateral (
            select case
                when not r.runs then null
                when not s.spec ? 'with' then '{}'::jsonb
                else onceflow.evaluate(s.spec -> 'with', c.context) end as input) e
        order by d.n);
end $$;
revoke execute on function onceflow.due_inputs(uuid[], onceflow.task_key[]) from public;
