-- seen_steps(instance, version, scope, reads) -> jsonb   (internal)
-- Of the steps that expressions in a scope name what they see: those of its own list, and of what lies around it. One that has
-- no row there, since it was jumped over or has not come, is null in all. An output, and the errors of items, are looked up
-- where they are named themselves.
create or replace function onceflow.seen_steps(
    p_instance_id uuid, p_version_id bigint, p_scope bigint, p_reads jsonb)
returns jsonb
language plpgsql stable as $$
begin
    return coalesce((
        with recursive around as (
            select s.scope, s.parent, s.block, s.visit, s.list, s.ordinal from onceflow.scope s
            where s.instance_id = p_instance_id and s.scope = p_scope
            union all
            select s.scope, s.parent, s.block, s.visit, s.list, s.ordinal
            from around a
            cross join lateral (
                select s.* from onceflow.scope s
                where s.instance_id = p_instance_id and s.scope = a.parent offset 0) s
        )
        select jsonb_object_agg(n.step, jsonb_build_object(
            'output', case when p_reads ? n.step then onceflow.seen_output(
                t.instance_id, p_version_id, t.step, t.scope, t.visit, t.state, t.output) end,
            'state', t.state, 'error', case t.state when 'FAILED' then t.error end)
            || case st.kind when 'for_each' then jsonb_build_object('errors', case when p_reads ? (n.step || '.errors')
                then onceflow.item_errors(t.instance_id, t.step, t.scope, t.visit) end)
                when 'try' then jsonb_build_object('caught', (
                    select b.caught from onceflow.block b
                    where b.instance_id = t.instance_id and b.step = t.step and b.scope = t.scope and b.visit = t.visit))
                else '{}' end)
        from (select distinct split_part(r, '.', 1) from jsonb_array_elements_text(p_reads) r) n (step)
        cross join lateral (
            select st.kind, st.block, st.list from onceflow.step st
            where st.version_id = p_version_id and st.step = n.step offset 0) st
        cross join lateral (
            select coalesce((
                -- A catch sees the steps of the attempt before it.
                select case when a.list = st.list then a.scope else (
                    select s.scope from onceflow.scope s
                    where s.instance_id = p_instance_id and s.block = a.block and s.parent = a.parent
                        and s.visit = a.visit and s.ordinal < a.ordinal
                    order by s.ordinal desc limit 1) end
                from around a where a.block = st.block), 0) as scope offset 0) a
        left join lateral (
            select t.* from onceflow.task t
            where t.instance_id = p_instance_id and t.step = n.step and t.scope = a.scope
                and (a.scope > 0 or st.block is null)
            order by t.visit desc limit 1) t on true), '{}');
end $$;
revoke execute on function onceflow.seen_steps(uuid, bigint, bigint, jsonb) from public;
