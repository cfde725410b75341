-- check_input(checks, input) -> [{place, message}], or null   (internal)
-- What of an input does not fit the schema that was compiled to p_checks (engine/definition/inputs/checks.py
-- tells their form): at most 100 faults, in the order of their places, which are JSON pointers.
-- Each value is looked at once, so the work grows with the input alone; the parts of the checks are read where
-- they stand (#>), never copied whole.
create or replace function onceflow.check_input(p_checks jsonb, p_input jsonb) returns jsonb
language plpgsql immutable as $$
declare
    -- Read out of its row once, however it is stored.
    v_checks jsonb := p_checks - '{}'::text[];
begin
    return (
        with recursive walk (node, value, place) as (
            select '0', p_input, ''
            union all
            select c.node, c.value,
                w.place || '/' || case when c.n is null then replace(replace(c.key, '~', '~0'), '/', '~1')
                    else (c.n - 1)::text end
            from walk w
            cross join lateral (
                select m.key, null::bigint as n, m.value, case
                    when v_checks #> array['nodes', w.node, 'properties', m.key] is null
                    then v_checks #>> array['nodes', w.node, 'rest']
                    else v_checks #>> array['nodes', w.node, 'properties', m.key] end as node
                from jsonb_each(case when jsonb_typeof(w.value) = 'object'
                    and v_checks #> array['nodes', w.node, 'object'] is not null then w.value else '{}' end) m
                union all
                select null, i.n, i.item, v_checks #>> array['nodes', w.node, 'items']
                from jsonb_array_elements(case when jsonb_typeof(w.value) = 'array'
                    and v_checks #> array['nodes', w.node, 'items'] is not null then w.value else '[]' end)
                    with ordinality i (item, n)) c
            where c.node is not null
                -- Most are what they have to be, and nothing more is asked of them.
                and not coalesce(v_checks #> array['nodes', c.node, 'only'] ? jsonb_typeof(c.value), false)
                and not coalesce(jsonb_typeof(c.value) not in ('array', 'object') and v_checks #> array['values',
                    v_checks #>> array['nodes', c.node, 'among'], onceflow.scalar_key(c.value)] is not null, false)
        )
        select jsonb_agg(jsonb_build_object('place', f.place, 'message', f.message) order by f.place collate "C")
        from (
            select w.place || e.place as place, e.message
            from walk w
            cross join lateral (
                select '' as place, 'is not known to the schema' as message where w.node = 'none'
                union all
                select e.place, e.message
                from jsonb_array_elements(v_checks #> array['nodes', w.node, 'a']) a
                cross join lateral onceflow.assertion_faults(a, w.value) e
                union all
                select '', a ->> 'says'
                from jsonb_array_elements(v_checks #> array['nodes', w.node, 'a']) a
                where a ? 'enum' and case
                    when jsonb_typeof(w.value) in ('array', 'object')
                    then not exists (select from jsonb_array_elements(a -> 'same') s where s = w.value)
                    else v_checks #> array['values', a ->> 'enum', onceflow.scalar_key(w.value)] is null end) e
            limit 100) f);
end $$;
revoke execute on function onceflow.check_input(jsonb, jsonb) from public;
