-- evaluate_items(call, array, context, item) -> jsonb   (internal)
-- What the tree "i" of a call gives of each item, in order: an array of as many values. For filter these are
-- conditions.
-- An item is seen as the variable `item`. Beside it stand `items`, how many are gone through in all, with those of the
-- functions around (p_item); `at`, which this is; and `room`, the bytes that a value made of it may take: 16 MiB by
-- their number, and as many as the item itself has.
-- Its time is bounded: items by paths and functions ("n"), and by the bytes of what a path scans outside ("e").
-- Errors: WF006.
create or replace function onceflow.evaluate_items(p_call jsonb, p_array jsonb, p_context jsonb, p_item jsonb)
returns jsonb
language plpgsql immutable as $$
declare
    v_items constant bigint := greatest(jsonb_array_length(p_array), 1) * coalesce((p_item ->> 'items')::bigint, 1);
    v_at constant text := coalesce(p_item ->> 'at', '') || '/';
    v_room constant int := coalesce((p_item ->> 'room')::int, 4194304);
    v_each record;
    v_value jsonb;
    v_values jsonb[] := '{}';
    v_size bigint := 0;
begin
    if v_items * (p_call ->> 'n')::int > 100000 then
        raise exception '%: for each of % items it evaluates %, and 100000 paths and functions are allowed in all; %',
            p_call ->> 't', v_items, p_call ->> 'n', 'take fewer with a path ([*] ? ( … )), or do it in a task'
            using errcode = 'WF006';
    elsif p_call ? 'e' and v_items * pg_column_size(p_context) > 67108864 then
        raise exception '%: for each of % items it goes through what lies outside; do it once, in a step before',
            p_call ->> 't', v_items using errcode = 'WF006';
    end if;
    for v_each in select e.item, e.n from jsonb_array_elements(p_array) with ordinality e (item, n) loop
        v_value := onceflow.evaluate_argument(p_call -> 'i', p_context, false, jsonb_build_object(
            'item', v_each.item, 'items', v_items, 'at', v_at || v_each.n,
            'room', 16777216 / v_items + pg_column_size(v_each.item)));
        if p_call ->> 'f' = 'filter' and jsonb_typeof(v_value) <> 'boolean' then
            raise exception '%: a condition gives true or false, and this gives %',
                p_call ->> 't', jsonb_typeof(v_value) using errcode = 'WF006';
        end if;
        v_size := v_size + pg_column_size(v_value);
        if v_size > v_room then
            raise exception '%: the result would have more than % bytes', p_call ->> 't', v_room
                using errcode = 'WF006';
        end if;
        v_values := v_values || v_value;
    end loop;
    return to_jsonb(v_values);
end $$;
revoke execute on function onceflow.evaluate_items(jsonb, jsonb, jsonb, jsonb) from public;
