-- evaluate_function(call, value, arguments, item) -> jsonb   (internal)
-- What a function gives of a value that is there, and of arguments, all of a kind that it takes. The call
-- {"f": name, "t": text} gives its name, and its text for errors; of a function with an "i" the argument is what that
-- gave of each item. Numbers are numeric throughout: no digit is lost. SQL null: there is no item to give.
-- What it gives has at most 4 MiB as jsonb, or what there is for one of many items (evaluate_items()); a text at
-- most 1 MiB, an array at most 100,000 items. That is known before it is made.
-- Errors: WF006, where the value or an argument is none for it, or what it gives would be too large.
create or replace function onceflow.evaluate_function(
    p_call jsonb, p_value jsonb, p_arguments jsonb[], p_item jsonb)
returns jsonb
language plpgsql immutable as $$
declare
    v_name constant text := p_call ->> 'f';
    v_room constant int := coalesce((p_item ->> 'room')::int, 4194304);
    v_found jsonb;
begin
    v_found := case
        when v_name in ('first', 'last', 'count', 'sum', 'avg', 'min', 'max', 'round', 'range')
            then onceflow.number_function(v_name, p_value, p_arguments, v_room)
        when v_name in ('each', 'filter', 'sort', 'reverse', 'unique', 'flatten', 'zip', 'keys', 'entries', 'merge')
            then onceflow.array_function(v_name, p_value, p_arguments)
        when v_name in ('format_time', 'parse_time', 'add_time')
            then onceflow.time_function(v_name, p_value, p_arguments)
        when v_name in ('split', 'replace', 'contains', 'slice')
            then onceflow.part_function(v_name, p_value, p_arguments, v_room, coalesce((p_item ->> 'items')::int, 1))
        when v_name in ('concat', 'join') then onceflow.joined(v_name, p_value, p_arguments, v_room, p_call ->> 't')
        when v_name = 'uuid' then onceflow.derived_uuid(
            p_value #>> '{}', p_arguments[1] #>> '{}', coalesce(p_item ->> 'at', ''))
        else onceflow.text_function(v_name, p_value, v_room)
        end;
    if pg_column_size(v_found) > greatest(v_room, pg_column_size(p_value)) then
        raise program_limit_exceeded using message = format('the result has more than %s bytes', v_room);
    end if;
    return v_found;
exception
    when data_exception or program_limit_exceeded or statement_too_complex then
        raise exception '%: %', p_call ->> 't', sqlerrm using errcode = 'WF006';
end $$;
revoke execute on function onceflow.evaluate_function(jsonb, jsonb, jsonb[], jsonb) from public;
