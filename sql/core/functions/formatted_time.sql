-- formatted_time(time, pattern, zone) -> text   (internal)
-- A time as a pattern says: %Y is replaced by the year, and so on; English names whatever the locale.
-- Errors: 22000 where the zone or a letter behind % is unknown.
create or replace function onceflow.formatted_time(p_at timestamptz, p_pattern text, p_zone text) returns text
language plpgsql immutable as $$
declare
    v_local constant timestamp := onceflow.local_time(p_at, p_zone);
    v_offset constant int := extract(epoch from v_local - (p_at at time zone 'UTC'));
    v_text text;
    v_unknown text;
begin
    if char_length(p_pattern) > 200 then
        raise data_exception using message = 'a pattern has at most 200 characters';
    end if;
    select string_agg(case
            when c.part !~ '^%' then c.part
            when c.part = '%%' then '%'
            when c.part = '%s' then floor(extract(epoch from p_at))::text
            when c.part = '%z' then case when v_offset < 0 then '-' else '+' end
                || to_char(make_interval(secs => abs(v_offset)), 'HH24:MI')
            else to_char(v_local, case c.part when '%Y' then 'YYYY' when '%m' then 'MM' when '%d' then 'DD'
                when '%H' then 'HH24' when '%M' then 'MI' when '%S' then 'SS' when '%f' then 'US' when '%a' then 'Dy'
                when '%A' then 'FMDay' when '%b' then 'Mon' when '%B' then 'FMMonth' when '%j' then 'DDD'
                when '%u' then 'ID' when '%V' then 'IW' when '%G' then 'IYYY' end) end, '' order by c.n),
        min(c.part) filter (where c.part ~ '^%' and c.part !~ '^%[YmdHMSfzaAbBjuVGs%]$')
    into v_text, v_unknown
    from (select m[1], n from regexp_matches(p_pattern, '%.|[^%]+|%', 'g') with ordinality m (m, n)) c (part, n);
    if v_unknown is not null then
        raise data_exception using message = format('%s is unknown in a pattern; known behind a %% are %s',
            v_unknown, 'Y m d H M S f z a A b B j u V G s %');
    end if;
    return coalesce(v_text, '');
end $$;
revoke execute on function onceflow.formatted_time(timestamptz, text, text) from public;
