-- sliced(value, from, to) -> jsonb   (internal)
-- The characters of a string or the items of an array from one index up to but without another, which is the end where
-- it is null. Below 0 they count from the end.
-- Errors: 22000 where an index is no whole number.
create or replace function onceflow.sliced(p_value jsonb, p_from numeric, p_to numeric) returns jsonb
language plpgsql immutable as $$
declare
    v_text constant text := case jsonb_typeof(p_value) when 'string' then p_value #>> '{}' end;
    v_length constant int := case jsonb_typeof(p_value) when 'string' then char_length(v_text)
        else jsonb_array_length(p_value) end;
    v_to constant numeric := coalesce(p_to, v_length);
    v_begin int;
    v_end int;
begin
    if p_from % 1 <> 0 or v_to % 1 <> 0 then
        raise data_exception using message = 'an index is a whole number';
    end if;
    v_begin := least(greatest(p_from + case when p_from < 0 then v_length else 0 end, 0), v_length);
    v_end := greatest(least(v_to + case when v_to < 0 then v_length else 0 end, v_length), v_begin);
    if v_text is not null then
        return to_jsonb(substr(v_text, v_begin + 1, v_end - v_begin));
    end if;
    return coalesce((
        select jsonb_agg(i.item order by i.n) from jsonb_array_elements(p_value) with ordinality i (item, n)
        where i.n > v_begin and i.n <= v_end), '[]');
end $$;
revoke execute on function onceflow.sliced(jsonb, numeric, numeric) from public;
