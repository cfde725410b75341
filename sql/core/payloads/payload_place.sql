-- payload_place(payload, deep) -> JSON pointer   (internal)
-- The place of the first value that is nested deeper than 128 levels (p_deep), or else of the first number
-- of more than 1,000 digits; `it` where that is the payload itself. Only for what is refused.
create or replace function onceflow.payload_place(p_payload jsonb, p_deep boolean) returns text
language sql immutable
return coalesce((
    with recursive walk (value, place, level) as (
        select p_payload, '', 0
        union all
        select c.value, w.place || '/' || replace(replace(c.key, '~', '~0'), '/', '~1'), w.level + 1
        from walk w
        cross join lateral (
            select m.key, m.value
            from jsonb_each(case jsonb_typeof(w.value) when 'object' then w.value else '{}' end) m
            union all
            select (i.n - 1)::text, i.item
            from jsonb_array_elements(case jsonb_typeof(w.value) when 'array' then w.value else '[]' end)
                with ordinality i (item, n)) c
        where w.level <= 128
    )
    select nullif(left(w.place, 200), '')
    from walk w
    where case when p_deep then w.level > 128
        when jsonb_typeof(w.value) = 'number'
            then scale(w.value::numeric) > 1000 or abs(w.value::numeric) >= 1e1000
        else false end
    limit 1), 'it');
revoke execute on function onceflow.payload_place(jsonb, boolean) from public;
