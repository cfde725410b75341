-- seen_steps(instance, version, scope, names) -> jsonb   (internal)
-- Of the steps that expressions in a scope name what they see: those of its own list, and of what lies around it.
create or replace function onceflow.seen_steps(
    p_instance_id uuid, p_version_id bigint, p_scope bigint, p_names text[])
returns jsonb
language plpgsql stable as $$
begin
    return coalesce((
        with recursive around as (
            select s.scope, s.parent, s.block from onceflow.scope s
            where s.instance_id = p_instance_id and s.scope = p_scope
            union all
            select s.scope, s.parent, s.block
            from around a
            cross join lateral (
                select s.* from onceflow.scope s
                where s.instance_id = p_instance_id and s.scope = a.parent offset 0) s
        )
        select jsonb_object_agg(t.step, jsonb_build_object(
            'output', onceflow.seen_output(
                t.instance_id, p_version_id, t.step, t.scope, t.visit, t.state, t.output),
            'state', t.state, 'error', case t.state when 'FAILED' then t.error end)
            || case st.kind when 'for_each' then jsonb_build_object('errors',
                onceflow.item_errors(t.instance_id, t.step, t.scope, t.visit)) else '{}' end)
        from unnest(p_names) n (step)
        cross join lateral (
            select st.kind, st.block from onceflow.step st
            where st.version_id = p_version_id and st.step = n.step offset 0) st
        cross join lateral (
            select coalesce((select a.scope from around a where a.block = st.block), 0) as scope offset 0) a
        cross join lateral (
            select t.* from onceflow.task t
            where t.instance_id = p_instance_id and t.step = n.step and t.scope = a.scope
            order by t.visit desc limit 1) t
        where a.scope > 0 or st.block is null), '{}');
end $$;
revoke execute on function onceflow.seen_steps(uuid, bigint, bigint, text[]) from public;
