-- scope_places(instance, scopes) -> (scope, place)
-- Where scopes of one instance lie, as a person reads it, from the outside in: `invoices[17]`, `documents[pdf]/pages[3]`: the
-- blocks around, and which branch or item of each; of a block that opens one scope alone (a group, a switch) its name suffices.
-- Lists call it for each of their rows: to plan its statement takes longer than to run it.
create or replace function onceflow.scope_places(p_instance_id uuid, p_scopes bigint[])
returns table (scope bigint, place text)
language plpgsql stable security definer set search_path = pg_catalog, pg_temp
set plan_cache_mode = 'force_generic_plan' as $$
#variable_conflict use_column
begin
    return query
    with recursive needed as (
        select c.scope, c.parent, c.block, c.visit, c.ordinal, c.list
        from unnest(p_scopes) k
        cross join lateral (
            select * from onceflow.scope c where c.instance_id = p_instance_id and c.scope = k offset 0) c
        union
        select c.scope, c.parent, c.block, c.visit, c.ordinal, c.list
        from needed n
        cross join lateral (
            select * from onceflow.scope c where c.instance_id = p_instance_id and c.scope = n.parent offset 0) c
    ), named as (
        select n.scope, n.parent, n.block || case when n.visit > 0 then '#' || n.visit else '' end
            || case when s.kind in ('steps', 'switch') then ''
                else format('[%s]', coalesce(s.spec #>> array['lists', n.list::text, 'name'], n.ordinal::text)) end as name
        from needed n
        join onceflow.instance i on i.id = p_instance_id
        join onceflow.step s on s.version_id = i.version_id and s.step = n.block
    ), placed as (
        select n.scope, n.name as place from named n where n.parent = 0
        union all
        select n.scope, p.place || '/' || n.name
        from placed p
        join named n on n.parent = p.scope
    )
    select p.scope, p.place from placed p where p.scope = any (p_scopes);
end $$;
revoke execute on function onceflow.scope_places(uuid, bigint[]) from public;
