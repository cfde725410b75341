-- seen_items(instance, version, scope) -> jsonb   (internal)
-- The items that expressions in a scope see: item and index of the innermost for_each around, and those of all under
-- the names that `as` gives them.
create or replace function onceflow.seen_items(p_instance_id uuid, p_version_id bigint, p_scope bigint) returns jsonb
language plpgsql stable as $$
begin
    return coalesce((
        with recursive around as (
            select s.*, 0 as height from onceflow.scope s
            where s.instance_id = p_instance_id and s.scope = p_scope
            union all
            select s.*, a.height + 1
            from around a
            cross join lateral (
                select s.* from onceflow.scope s
                where s.instance_id = p_instance_id and s.scope = a.parent offset 0) s
        )
        -- Of what has one name the innermost is seen: it comes last.
        select jsonb_object_agg(m.name, m.value order by a.height desc)
        from around a
        join onceflow.step st on st.version_id = p_version_id and st.step = a.block and st.kind = 'for_each'
        cross join lateral (values
            ('item', a.item), ('index', to_jsonb(a.ordinal)),
            (st.spec ->> 'as', a.item), (st.spec ->> 'as' || '_index', to_jsonb(a.ordinal))) m (name, value)
        where m.name is not null), '{}');
end $$;
revoke execute on function onceflow.seen_items(uuid, bigint, bigint) from public;
