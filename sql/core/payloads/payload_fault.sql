-- payload_fault(payload, limit) -> text, or null   (internal)
-- What is wrong with a payload (an input, an output, a progress …) that is to be kept and handed on: it is
-- longer than p_limit bytes as JSON text, as Postgres sends it, holds a number of more than 1,000 digits
-- before or behind the point, or is nested deeper than 128 levels. In jsonb 1e131071 takes 12 bytes and
-- as text 131,072, so the text is made only once it is known to be short enough to be made.
create or replace function onceflow.payload_fault(p_payload jsonb, p_limit int default 1048576)
returns text
language plpgsql immutable as $$
declare
    v_size int := pg_column_size(p_payload);
    v_length bigint;
    v_numbers bigint;
begin
    -- Most are short: no number in them is long, and 1,000 bytes of jsonb hold no 128 levels.
    if v_size <= 1000 then
        v_length := octet_length(p_payload::text);
    end if;
    if v_length <= least(p_limit, 1000) or p_payload is null then
        return null;
    end if;
    -- A value takes two bytes of text at least, and at most twelve of jsonb.
    if v_size / 8 > p_limit then
        return format('it has more than %s bytes as JSON text, which is the limit', p_limit);
    end if;
    if jsonb_path_exists(p_payload, 'strict $.**{129}') then
        return onceflow.payload_place(p_payload, true) || ' is nested deeper than 128 levels; make it flatter';
    end if;
    -- Looked at one by one where one of them is long, or where zeros at their ends could add up.
    if v_size > 65536 or jsonb_path_exists(p_payload,
        'strict $.** ? (@ >= 1e20 || @ <= -1e20 || (@ * 1e20).floor() != @ * 1e20)', '{}', true)
    then
        select case when count(*) filter (where n.long) > 0 then null
            else coalesce(sum(length(n.number::text)) filter (where not n.long), 0) end
        into v_numbers
        from (
            select q.number, scale(q.number) > 1000 or abs(q.number) >= 1e1000 as long
            from (
                select v::numeric as number
                from jsonb_array_elements(jsonb_path_query_array(
                    p_payload, 'strict $.** ? (@.type() == "number")')) v
                offset 0) q
            offset 0) n;
        if v_numbers is null then
            return onceflow.payload_place(p_payload, false)
                || ' is a number of more than 1000 digits; write it as a string, or round it';
        end if;
    end if;
    if v_numbers > p_limit then
        v_length := v_numbers;
    else
        v_length := coalesce(v_length, octet_length(p_payload::text));
    end if;
    if v_length > p_limit then
        return format('it has %s bytes as JSON text, and %s are allowed', v_length, p_limit);
    end if;
    return null;
end $$;
revoke execute on function onceflow.payload_fault(jsonb, int) from public;
