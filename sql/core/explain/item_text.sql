-- item_text(item, name) -> text   (internal)
-- An item of a for_each as one recognises it: "order 10248", "id 7, city Lyon"; p_name is what its definition calls it.
-- Of an object that is too large for that its id, key or name; null where there is nothing short to say.
create or replace function onceflow.item_text(p_item jsonb, p_name text) returns text
language plpgsql immutable as $$
declare
    v_longest constant int := 60;
    v_text text;
begin
    -- A value stands as it is where that is a word or a number, else as JSON, in which nothing is hidden.
    if jsonb_typeof(p_item) = 'object' and p_item <> '{}' then
        if pg_column_size(p_item) <= 4 * v_longest then
            select string_agg(m.key || ' ' || onceflow.item_text(m.value, null), ', ')
            into v_text
            from jsonb_each(p_item) m
            having count(*) = count(onceflow.item_text(m.value, null));
        end if;
        if v_text is null or length(v_text) > v_longest then
            select k.key || ' ' || onceflow.item_text(p_item -> k.key, null)
            into v_text
            from unnest(array[p_name, p_name || '_id', 'id', 'key', 'name']) with ordinality k (key, n)
            where jsonb_typeof(p_item -> k.key) in ('string', 'number')
                and onceflow.item_text(p_item -> k.key, null) is not null
            order by k.n limit 1;
        end if;
    elsif pg_column_size(p_item) <= 4 * v_longest then
        v_text := case when p_item #>> '{}' ~ '^[[:alnum:]_][[:alnum:]_ .:@/+-]*$' then p_item #>> '{}' else p_item::text end;
        v_text := coalesce(p_name || ' ', '') || v_text;
    end if;
    return case when length(v_text) <= v_longest then v_text end;
end $$;
revoke execute on function onceflow.item_text(jsonb, text) from public;
