-- number_function(name, value, arguments, room) -> jsonb   (internal)
-- The functions that give one item of an array, or that count.
-- SQL null: there is no item. Errors: 22000, 54000.
create or replace function onceflow.number_function(p_name text, p_value jsonb, p_arguments jsonb[], p_room int)
returns jsonb
language plpgsql immutable as $$
declare
    v_items jsonb := p_value;
    v_kind text;
    v_number numeric;
    v_to numeric;
    v_step numeric;
begin
    case p_name
        when 'first' then return p_value -> 0;
        when 'last' then return p_value -> -1;
        when 'count' then
            if cardinality(p_arguments) = 0 then
                return to_jsonb(jsonb_array_length(p_value));
            end if;
            return to_jsonb((select count(*) from jsonb_array_elements(p_value) i where i = p_arguments[1]));
        when 'round' then
            v_to := coalesce(p_arguments[1]::numeric, 0);
            if v_to % 1 <> 0 or v_to not between 0 and 100 then
                raise data_exception using message = 'the digits behind the point are a whole number from 0 to 100';
            end if;
            return to_jsonb(round(p_value::numeric, v_to::int));
        when 'range' then
            v_number := case when cardinality(p_arguments) = 0 then 0 else p_value::numeric end;
            v_to := coalesce(p_arguments[1]::numeric, p_value::numeric);
            v_step := coalesce(p_arguments[2]::numeric, 1);
            if v_number % 1 <> 0 or v_to % 1 <> 0 or v_step % 1 <> 0 or v_step = 0
                    or greatest(abs(v_number), abs(v_to), abs(v_step)) > 1e15 then
                raise data_exception using message = 'it takes whole numbers of at most 15 digits, and no step of 0';
            elsif (v_to - v_number) / v_step > least(100000, p_room / 12) then
                raise program_limit_exceeded using
                    message = format('the result would have more than %s items', least(100000, p_room / 12));
            end if;
            return coalesce((select jsonb_agg(round(n) order by n * sign(v_step))
                from generate_series(v_number, v_to - sign(v_step), v_step) n), '[]');
        else null;
    end case;
    if jsonb_typeof(p_value) <> 'array' then
        v_items := jsonb_build_array(p_value) || to_jsonb(p_arguments);
    elsif cardinality(p_arguments) > 0 then
        raise data_exception using message = 'it takes one array, or numbers, or strings';
    end if;
    v_kind := onceflow.kind_of_items(
        v_items, case when p_name in ('min', 'max') then 'number string' else 'number' end);
    if v_kind = 'string' then
        return (select case p_name when 'min' then to_jsonb(min((i #>> '{}') collate "C"))
            else to_jsonb(max((i #>> '{}') collate "C")) end from jsonb_array_elements(v_items) i);
    end if;
    select case p_name
        when 'sum' then coalesce(sum(i::numeric), 0)
        when 'avg' then trim_scale(avg(i::numeric))
        when 'min' then min(i::numeric)
        else max(i::numeric) end
    into v_number from jsonb_array_elements(v_items) i;
    return to_jsonb(v_number);
end $$;
revoke execute on function onceflow.number_function(text, jsonb, jsonb[], int) from public;
