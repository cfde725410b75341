-- scope_path(instance, scope) -> text   (internal)
-- By which failures of one wave are put in order: block, visit and ordinal of each scope around, from the outside in.
-- Compare it in collation C.
create or replace function onceflow.scope_path(p_instance_id uuid, p_scope bigint) returns text
language plpgsql stable as $$
begin
    return (
        with recursive around as (
            select s.block, s.visit, s.ordinal, s.parent, 0 as height
            from onceflow.scope s where s.instance_id = p_instance_id and s.scope = p_scope
            union all
            select s.block, s.visit, s.ordinal, s.parent, a.height + 1
            from around a
            cross join lateral (
                select s.* from onceflow.scope s
                where s.instance_id = p_instance_id and s.scope = a.parent offset 0) s
        )
        select coalesce(string_agg(a.block || e'\x01' || lpad(a.visit::text, 10, '0')
            || lpad(a.ordinal::text, 10, '0') || e'\x01', '' order by a.height desc), '')
        from around a);
end $$;
revoke execute on function onceflow.scope_path(uuid, bigint) from public;
