-- scopes_beneath(scopes) -> closing_scope[]   (internal)
-- The scopes and all beneath them, each once; who lies under another of them undoes itself no more. Of one that is named
-- twice the first counts: several failures close it, and the first says whether it is undone.
create or replace function onceflow.scopes_beneath(p_scopes onceflow.closing_scope[])
returns onceflow.closing_scope[]
language plpgsql stable as $$
begin
    return array(
        with recursive beneath as (
            select c.instance_id, c.scope, c.outermost, c.undoes, s.block, s.list, c.n
            from unnest(p_scopes) with ordinality c (instance_id, scope, outermost, undoes, n)
            cross join lateral (
                select s.block, s.list from onceflow.scope s
                where s.instance_id = c.instance_id and s.scope = c.scope offset 0) s
            union all
            select b.instance_id, s.scope, false, true, s.block, s.list, null
            from beneath b
            cross join lateral (
                select i.version_id from onceflow.instance i where i.id = b.instance_id offset 0) i
            -- By the blocks of its list, since scopes are found by their block alone.
            cross join lateral (
                select st.step from onceflow.step st
                where st.version_id = i.version_id and st.block = b.block and st.list = b.list
                    and st.is_block offset 0) st
            cross join lateral (
                select s.scope, s.block, s.list from onceflow.scope s
                where s.block = st.step and s.instance_id = b.instance_id and s.parent = b.scope offset 0) s
        )
        select row(b.instance_id, b.scope, bool_and(b.outermost), (array_agg(b.undoes order by b.n))[1])::onceflow.closing_scope
        from beneath b
        group by b.instance_id, b.scope
        order by b.instance_id, b.scope);
end $$;
revoke execute on function onceflow.scopes_beneath(onceflow.closing_scope[]) from public;
