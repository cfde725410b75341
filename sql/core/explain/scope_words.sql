-- scope_words(instance, version, scope) -> text   (internal)
-- Where a scope lies, in words, from the outside in: "invoices, item 17 of 10,000 (order 10248)", "documents, branch pdf".
-- Of an item what is small enough to be read is said: a value by the name that its for_each gives it.
create or replace function onceflow.scope_words(p_instance_id uuid, p_version_id bigint, p_scope bigint) returns text
language plpgsql stable as $$
begin
    return (
        with recursive around as (
            select c.parent, c.block, c.visit, c.ordinal, c.list, c.item, 0 as depth
            from onceflow.scope c
            where c.instance_id = p_instance_id and c.scope = p_scope
            union all
            select c.parent, c.block, c.visit, c.ordinal, c.list, c.item, a.depth + 1
            from around a
            cross join lateral (
                select * from onceflow.scope c
                where c.instance_id = p_instance_id and c.scope = a.parent offset 0) c
        )
        select string_agg(a.block || case s.kind
                when 'for_each' then format(', item %s of %s', onceflow.count_text(a.ordinal), onceflow.count_text(b.total))
                    || coalesce(' (' || onceflow.item_text(a.item, s.spec ->> 'as') || ')', '')
                when 'switch' then case when l.list ? 'when' then format(', case %s', a.list) else ', else' end
                when 'steps' then ''
                when 'repeat' then format(', round %s', onceflow.count_text(a.ordinal))
                when 'try' then case a.list when 0 then format(', attempt %s', a.ordinal + 1)
                    else format(', catch of %s', a.item ->> 'code') end
                else format(', branch %s', coalesce(l.list ->> 'name', a.ordinal::text)) end,
            ', ' order by a.depth desc)
        from around a
        join onceflow.step s on s.version_id = p_version_id and s.step = a.block
        cross join lateral (
            select b.total from onceflow.block b
            where b.instance_id = p_instance_id and b.step = a.block and b.scope = a.parent and b.visit = a.visit offset 0) b
        cross join lateral (select s.spec -> 'lists' -> a.list as list) l);
end $$;
revoke execute on function onceflow.scope_words(uuid, bigint, bigint) from public;
