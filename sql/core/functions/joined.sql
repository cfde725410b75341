-- joined(name, value, arguments, room, text) -> jsonb   (internal)
-- Texts put together, those of an array (join) or all that are given (concat), or arrays: measured before they are made.
-- Errors: 22000, 54000; WF006 with p_text, where a value has no one text.
create or replace function onceflow.joined(
    p_name text, p_value jsonb, p_arguments jsonb[], p_room int, p_text text)
returns jsonb
language plpgsql immutable as $$
declare
    v_longest constant int := least(p_room, 1048576);
    v_between constant text := p_arguments[1] #>> '{}';
    v_joined jsonb := p_value;
    v_text text := '';
    v_part jsonb;
    v_size bigint;
    v_fault text;
begin
    if p_name = 'concat' and jsonb_typeof(p_value) = 'array' then
        foreach v_part in array p_arguments loop
            if jsonb_typeof(v_part) <> 'array' then
                raise data_exception using message = format(
                    'an argument of concat is array where the first is, and was given %s', jsonb_typeof(v_part));
            elsif pg_column_size(v_joined) + pg_column_size(v_part) > p_room then
                raise program_limit_exceeded using message = format('the result would have more than %s bytes', p_room);
            end if;
            v_joined := v_joined || v_part;
        end loop;
        return v_joined;
    elsif p_name = 'concat' then
        foreach v_part in array array[p_value] || p_arguments loop
            if jsonb_typeof(v_part) = 'array' then
                raise data_exception using message =
                    'an argument of concat is string or number or boolean where the first is, and was given array';
            elsif jsonb_typeof(v_part) = 'number' then
                v_fault := coalesce(v_fault, onceflow.payload_fault(v_part));
            end if;
            if v_fault is not null then
                raise program_limit_exceeded using message = v_fault;
            elsif octet_length(v_text) + octet_length(v_part #>> '{}') > v_longest then
                raise program_limit_exceeded using message = format('the result would have more than %s bytes', v_longest);
            end if;
            v_text := v_text || (v_part #>> '{}');
        end loop;
        return to_jsonb(v_text);
    end if;
    v_fault := onceflow.payload_fault(p_value);
    v_size := jsonb_array_length(p_value)::bigint * octet_length(v_between);
    if v_fault is null and v_size + octet_length(p_value::text) > 2 * v_longest then
        v_fault := format('the result would have more than %s bytes', v_longest);
    end if;
    if v_fault is not null then
        raise program_limit_exceeded using message = v_fault;
    end if;
    return to_jsonb(coalesce((
        select string_agg(onceflow.evaluate_text(i.item, p_text), v_between order by i.n)
        from jsonb_array_elements(p_value) with ordinality i (item, n)), ''));
end $$;
revoke execute on function onceflow.joined(text, jsonb, jsonb[], int, text) from public;
