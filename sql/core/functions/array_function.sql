-- array_function(name, value, arguments) -> jsonb   (internal)
-- The functions that give an array of the items of others, and those of objects. The argument of each, filter and
-- sort, where it has one, is what evaluate_items() gave. None makes much more than it was given.
-- Errors: 22000.
create or replace function onceflow.array_function(p_name text, p_value jsonb, p_arguments jsonb[]) returns jsonb
language plpgsql immutable as $$
declare
    v_by constant jsonb := coalesce(p_arguments[1], p_value);
    v_kind text;
    v_found jsonb;
begin
    if greatest(case jsonb_typeof(p_value) when 'array' then jsonb_array_length(p_value) end, 0) > 100000 then
        raise program_limit_exceeded using message = format('it takes at most 100000 items, and these are %s',
            jsonb_array_length(p_value));
    end if;
    case p_name
        when 'each' then return v_by;
        when 'filter' then
            select jsonb_agg(i.item order by i.n) into v_found
            from rows from (jsonb_array_elements(p_value), jsonb_array_elements(v_by))
                with ordinality i (item, holds, n)
            where i.holds = 'true';
        when 'sort' then
            v_kind := onceflow.kind_of_items(v_by, 'number string boolean');
            select jsonb_agg(i.item order by
                case v_kind when 'number' then i.key::numeric end,
                case when v_kind <> 'number' then (i.key #>> '{}') collate "C" end, i.n)
            into v_found
            from rows from (jsonb_array_elements(p_value), jsonb_array_elements(v_by))
                with ordinality i (item, key, n);
        when 'reverse' then
            select jsonb_agg(i.item order by i.n desc) into v_found
            from jsonb_array_elements(p_value) with ordinality i (item, n);
        when 'unique' then
            select jsonb_agg(p_value -> u.n order by u.n) into v_found
            from (
                select min(i.n)::int - 1 as n from jsonb_array_elements(p_value) with ordinality i (item, n)
                group by i.item) u;
        when 'flatten' then
            select jsonb_agg(f.item order by i.n, f.n) into v_found
            from jsonb_array_elements(p_value) with ordinality i (item, n)
            cross join lateral jsonb_array_elements(case jsonb_typeof(i.item)
                when 'array' then i.item else jsonb_build_array(i.item) end) with ordinality f (item, n);
        when 'zip' then
            if exists (
                select from unnest(p_arguments) a where jsonb_array_length(a) <> jsonb_array_length(p_value))
            then
                raise data_exception using message = 'the arrays are of different lengths';
            end if;
            select jsonb_agg(z.items order by z.n) into v_found
            from (
                select i.n, jsonb_agg(i.item order by a.n) as items
                from unnest(array[p_value] || p_arguments) with ordinality a (items, n)
                cross join lateral jsonb_array_elements(a.items) with ordinality i (item, n)
                group by i.n) z;
        when 'keys' then
            select jsonb_agg(k order by k collate "C") into v_found from jsonb_object_keys(p_value) k;
        when 'entries' then
            select jsonb_agg(jsonb_build_object('key', m.key, 'value', m.value) order by m.key collate "C") into v_found
            from jsonb_each(p_value) m;
        when 'merge' then
            if jsonb_typeof(p_value) = 'array' and cardinality(p_arguments) > 0 then
                raise data_exception using message = 'it takes one array of objects, or objects';
            elsif jsonb_typeof(p_value) = 'array' then
                perform onceflow.kind_of_items(p_value, 'object');
            end if;
            select coalesce(jsonb_object_agg(m.key, m.value order by o.n), '{}') into v_found
            from jsonb_array_elements(case jsonb_typeof(p_value) when 'array' then p_value
                else jsonb_build_array(p_value) || to_jsonb(p_arguments) end) with ordinality o (object, n)
            cross join lateral jsonb_each(o.object) m;
    end case;
    return coalesce(v_found, '[]');
end $$;
revoke execute on function onceflow.array_function(text, jsonb, jsonb[]) from public;
