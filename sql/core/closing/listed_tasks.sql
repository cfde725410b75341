-- listed_tasks(sorted ids, scopes) -> task_key[]   (internal)
-- The open tasks of scopes that are OPEN or CLOSING, in order; no compensation is one, for none is a step of a list.
create or replace function onceflow.listed_tasks(p_ids uuid[], p_scopes onceflow.closing_scope[])
returns onceflow.task_key[]
language plpgsql stable as $$
begin
    return array(
        select row(t.instance_id, t.step, t.scope, t.visit)::onceflow.task_key
        from unnest(p_scopes) k
        cross join lateral (
            select i.version_id from onceflow.instance i
            where i.id = k.instance_id and i.id between p_ids[1] and p_ids[cardinality(p_ids)] offset 0) i
        cross join lateral (
            select s.block, s.list from onceflow.scope s
            where s.instance_id = k.instance_id and s.scope = k.scope and s.state in ('OPEN', 'CLOSING')
                and s.instance_id between p_ids[1] and p_ids[cardinality(p_ids)] offset 0) s
        cross join lateral (
            select st.step from onceflow.step st
            where st.version_id = i.version_id and st.block = s.block and st.list = s.list offset 0) st
        cross join lateral (
            select t.instance_id, t.step, t.scope, t.visit from onceflow.task t
            where t.instance_id = k.instance_id and t.step = st.step and t.scope = k.scope and t.seq is null
                and t.instance_id between p_ids[1] and p_ids[cardinality(p_ids)] offset 0) t
        order by t.instance_id, t.step, t.scope, t.visit);
end $$;
revoke execute on function onceflow.listed_tasks(uuid[], onceflow.closing_scope[]) from public;
