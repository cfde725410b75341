-- seen_items(instance, version, scope, previous) -> jsonb   (internal)
-- What expressions in a scope see of the blocks around: item and index of the innermost for_each, and those of all under
-- the names that `as` gives them; round and, where it is asked for, previous of the innermost repeat; error of the innermost catch.
create or replace function onceflow.seen_items(
    p_instance_id uuid, p_version_id bigint, p_scope bigint, p_previous boolean)
returns jsonb
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
        join onceflow.step st on st.version_id = p_version_id and st.step = a.block and st.kind in ('for_each', 'repeat', 'try')
        cross join lateral (values
            ('for_each', 'item', a.item), ('for_each', 'index', to_jsonb(a.ordinal)),
            ('for_each', st.spec ->> 'as', a.item), ('for_each', st.spec ->> 'as' || '_index', to_jsonb(a.ordinal)),
            ('repeat', 'round', to_jsonb(a.ordinal)),
            ('repeat', 'previous', case when p_previous and st.kind = 'repeat' then coalesce((
                select onceflow.scope_output(p_instance_id, p_version_id, s.scope) from onceflow.scope s
                where s.instance_id = p_instance_id and s.block = a.block and s.parent = a.parent
                    and s.visit = a.visit and s.ordinal < a.ordinal
                order by s.ordinal desc limit 1), 'null') end),
            ('try', case when a.list > 0 then 'error' end, a.item)) m (kind, name, value)
        where m.kind = st.kind and m.name is not null), '{}');
end $$;
revoke execute on function onceflow.seen_items(uuid, bigint, bigint, boolean) from public;
