-- assertion_faults(assertion, value) -> (place, message)   (internal)
-- What of a value does not fit one schema object of check_input(), members, items and enum left out. The
-- place is that of the value, but for what is missing. Keyword by keyword, without a query: it is called for
-- each value of an input.
create or replace function onceflow.assertion_faults(p_assertion jsonb, p_value jsonb)
returns table (place text, message text)
language plpgsql immutable rows 1 as $$
declare
    v_a constant jsonb := p_assertion;
    v_kind text := jsonb_typeof(p_value);
    v_number numeric := case v_kind when 'number' then p_value::numeric end;
    v_messages text[] := '{}';
    v_size int;
begin
    if v_a ? 'type' and not (v_a -> 'type' ? v_kind
        or v_a -> 'type' ? 'integer' and coalesce(v_number = trunc(v_number), false))
    then
        v_messages := v_messages || ('must be of type ' || case jsonb_array_length(v_a -> 'type')
            when 1 then v_a -> 'type' ->> 0 else replace((v_a -> 'type')::text, ', ', ',') end);
    end if;
    if v_a ? 'never' then
        v_messages := v_messages || 'is not allowed here'::text;
    end if;
    if v_kind = 'number' then
        v_messages := v_messages || array_remove(array[
            case when v_number < (v_a -> 'minimum')::numeric then 'must be at least ' || (v_a ->> 'minimum') end,
            case when v_number > (v_a -> 'maximum')::numeric then 'must be at most ' || (v_a ->> 'maximum') end,
            case when v_number <= (v_a -> 'exclusiveMinimum')::numeric
                then 'must be more than ' || (v_a ->> 'exclusiveMinimum') end,
            case when v_number >= (v_a -> 'exclusiveMaximum')::numeric
                then 'must be less than ' || (v_a ->> 'exclusiveMaximum') end,
            case when mod(v_number, (v_a -> 'multipleOf')::numeric) <> 0
                then 'must be a multiple of ' || (v_a ->> 'multipleOf') end], null);
    elsif v_kind = 'string' then
        v_messages := v_messages || onceflow.size_faults(v_a, 'Length', char_length(p_value #>> '{}'), 'characters');
        if v_a ? 'format' and not onceflow.has_format(v_a ->> 'format', p_value #>> '{}') then
            v_messages := v_messages || ('must be a valid ' || (v_a ->> 'format') || case v_a ->> 'format'
                when 'date-time' then ' with its offset from UTC: write 2026-11-26T08:00:00+01:00 or 2026-11-26T07:00:00Z'
                when 'time' then ' with its offset from UTC: write 08:00:00+01:00 or 07:00:00Z'
                else '' end);
        end if;
    elsif v_kind = 'array' then
        v_messages := v_messages || onceflow.size_faults(v_a, 'Items', jsonb_array_length(p_value), 'items');
        if v_a ? 'noItems' and p_value <> '[]' then
            v_messages := v_messages || 'does not fit items'::text;
        end if;
        if v_a -> 'uniqueItems' = 'true' and (
            select count(*) <> count(distinct i) from jsonb_array_elements(p_value) i)
        then
            v_messages := v_messages || 'must not hold an item twice'::text;
        end if;
    elsif v_kind = 'object' then
        if v_a ?| '{minProperties,maxProperties}' then
            v_size := (select count(*) from jsonb_object_keys(p_value));
            v_messages := v_messages || onceflow.size_faults(v_a, 'Properties', v_size, 'members');
        end if;
        if v_a ? 'required' then
            return query
            select '/' || replace(replace(r.name, '~', '~0'), '/', '~1'), 'is missing'
            from jsonb_array_elements_text(v_a -> 'required') r (name) where not p_value ? r.name;
        end if;
    end if;
    if cardinality(v_messages) > 0 then
        return query select '', m from unnest(v_messages) m;
    end if;
end $$;
revoke execute on function onceflow.assertion_faults(jsonb, jsonb) from public;
