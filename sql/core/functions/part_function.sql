-- part_function(name, value, arguments, room, items) -> jsonb   (internal)
-- The functions that look for a part of a text or an array, or take one. A text that is looked for may stand at each
-- place of the other, in the worst case: characters by characters are bounded, less so for one of few items.
-- Errors: 22000, 54000.
create or replace function onceflow.part_function(
    p_name text, p_value jsonb, p_arguments jsonb[], p_room int, p_items int)
returns jsonb
language plpgsql immutable as $$
declare
    v_text constant text := p_value #>> '{}';
    v_part constant text := p_arguments[1] #>> '{}';
    v_times bigint;
    v_size bigint;
begin
    if p_name = 'slice' then
        return onceflow.sliced(p_value, p_arguments[1]::numeric, p_arguments[2]::numeric);
    elsif jsonb_typeof(p_value) = 'array' then
        return to_jsonb(exists (select from jsonb_array_elements(p_value) i where i = p_arguments[1]));
    elsif jsonb_typeof(p_arguments[1]) <> 'string' then
        raise data_exception using message = format('an argument of %s is string, and was given %s',
            p_name, jsonb_typeof(p_arguments[1]));
    elsif jsonb_typeof(p_value) = 'object' then
        return to_jsonb(p_value ? v_part);
    elsif char_length(v_text)::bigint * char_length(v_part) > 500000000 / p_items then
        raise program_limit_exceeded using message = 'the text is too long to look for so long a text in it';
    elsif p_name = 'contains' then
        return to_jsonb(strpos(v_text, v_part) > 0);
    elsif v_part = '' then
        raise data_exception using message = 'the text that is looked for is empty';
    end if;
    v_times := (char_length(v_text) - char_length(replace(v_text, v_part, ''))) / char_length(v_part);
    if p_name = 'split' and v_times > 99999 then
        raise program_limit_exceeded using message = 'the result would have more than 100000 items';
    end if;
    -- Of an array each item has its length and its entry, in some twelve bytes.
    v_size := octet_length(v_text) + v_times * case p_name when 'split' then 12
        else octet_length(p_arguments[2] #>> '{}') - octet_length(v_part) end;
    if v_size > least(p_room, case p_name when 'split' then p_room else 1048576 end) then
        raise program_limit_exceeded using
            message = format('the result would have more than %s bytes', least(p_room, 1048576));
    elsif p_name = 'replace' then
        return to_jsonb(replace(v_text, v_part, p_arguments[2] #>> '{}'));
    end if;
    return case v_text when '' then '[""]' else to_jsonb(string_to_array(v_text, v_part)) end;
end $$;
revoke execute on function onceflow.part_function(text, jsonb, jsonb[], int, int) from public;
