-- parsed_time(text, pattern, zone) -> timestamptz   (internal)
-- The time that a text tells by a pattern: numbers of a fixed width at most, and what else stands in it. Without an
-- offset in the text its clock is that of the zone. Null where the text does not fit, or the pattern is none.
-- Errors: 22000 where there is no such time or zone.
create or replace function onceflow.parsed_time(p_text text, p_pattern text, p_zone text) returns timestamptz
language plpgsql immutable as $$
declare
    v_expression text;
    v_codes text[];
    v_parts text[];
    v_part jsonb;
    v_local timestamp;
begin
    if char_length(p_text) > 200 or char_length(p_pattern) > 200 then
        return null;
    end if;
    select '^' || string_agg(case
            when c.part !~ '^%' then regexp_replace(c.part, '([^[:alnum:]])', '\\\1', 'g')
            when c.part = '%%' then '%'
            when c.part = '%Y' then '([0-9]{4})'
            when c.part = '%f' then '([0-9]{1,6})'
            when c.part = '%s' then '(-?[0-9]{1,12})'
            when c.part = '%z' then '(Z|[+-][0-9]{2}:?[0-9]{2})'
            else '([0-9]{1,2})' end, '' order by c.n) || '$',
        array_agg(right(c.part, 1) order by c.n) filter (where c.part ~ '^%[YmdHMSfzs]$')
    into v_expression, v_codes
    from (select m[1], n from regexp_matches(p_pattern, '%.|[^%]+|%', 'g') with ordinality m (m, n)) c (part, n);
    if regexp_replace(p_pattern, '%[YmdHMSfzs%]', '', 'g') ~ '%'
            or cardinality(v_codes) <> (select count(distinct c) from unnest(v_codes) c) then
        return null;
    end if;
    v_parts := regexp_match(p_text, v_expression);
    v_part := jsonb_object(v_codes, v_parts);
    if v_part ? 's' then
        return to_timestamp((v_part ->> 's')::float8);
    end if;
    v_local := make_timestamp((v_part ->> 'Y')::int,
        coalesce((v_part ->> 'm')::int, 1), coalesce((v_part ->> 'd')::int, 1),
        coalesce((v_part ->> 'H')::int, 0), coalesce((v_part ->> 'M')::int, 0),
        (coalesce(v_part ->> 'S', '0') || '.' || coalesce(v_part ->> 'f', '0'))::float8);
    if v_part ? 'z' then
        return v_local at time zone 'UTC' - case when v_part ->> 'z' = 'Z' then interval '0' else make_interval(
            hours => left(v_part ->> 'z', 3)::int,
            mins => (left(v_part ->> 'z', 1) || right(v_part ->> 'z', 2))::int) end;
    end if;
    return v_local at time zone p_zone;
end $$;
revoke execute on function onceflow.parsed_time(text, text, text) from public;
