-- evaluate_argument(tree, context, lenient, item) -> jsonb   (internal)
-- The value of a tree that stands in a function: what it is of, an argument, or what is evaluated for each item
-- (p_item: its variables, as evaluate_items() makes them; null outside of that). {"l": [tree], "d": [key]} is an object.
-- What is made here takes at most the room that is left, so that copies of copies do not add up.
-- Lenient: SQL null where a path finds nothing.
-- Errors: WF006.
create or replace function onceflow.evaluate_argument(
    p_tree jsonb, p_context jsonb, p_lenient boolean, p_item jsonb)
returns jsonb
language plpgsql immutable as $$
declare
    v_value jsonb;
    v_values jsonb[] := '{}';
    v_object jsonb := '{}';
    v_size bigint := 0;
begin
    if p_tree ? 'v' then
        return p_tree -> 'v';
    elsif p_tree ? 'f' then
        return onceflow.evaluate_pipe(p_tree, p_context, p_lenient, p_item);
    elsif p_tree ? 'p' then
        if not p_tree ?| '{m,w,g,z}' then
            v_value := jsonb_path_query_first(
                p_context, (p_tree ->> 'p')::jsonpath, coalesce(p_item, '{}'), true);
        end if;
        if v_value is null or v_value = 'null' and p_tree ? 'b' then
            v_value := onceflow.evaluate_path(p_tree, p_context, p_lenient, p_item);
        end if;
        if pg_column_size(v_value) > (p_item ->> 'room')::int then
            raise exception '%: this gives % bytes, and % are allowed for each of so many items',
                p_tree ->> 't', pg_column_size(v_value), p_item ->> 'room' using errcode = 'WF006';
        end if;
        return v_value;
    end if;
    -- No statement, for a statement costs more than all else here.
    for v_n in 0 .. jsonb_array_length(p_tree -> 'l') - 1 loop
        v_value := onceflow.evaluate_argument(p_tree -> 'l' -> v_n, p_context, p_lenient, p_item);
        if v_value is null then
            return null;
        end if;
        v_size := v_size + pg_column_size(v_value);
        if v_size > coalesce((p_item ->> 'room')::int, 4194304) then
            raise exception 'an object or an array in an expression has more than % bytes',
                coalesce(p_item ->> 'room', '4194304') using errcode = 'WF006';
        end if;
        if p_tree ? 'd' then
            v_object := v_object || jsonb_build_object(p_tree -> 'd' ->> v_n, v_value);
        else
            v_values := v_values || v_value;
        end if;
    end loop;
    return case when p_tree ? 'd' then v_object else to_jsonb(v_values) end;
end $$;
revoke execute on function onceflow.evaluate_argument(jsonb, jsonb, boolean, jsonb) from public;
