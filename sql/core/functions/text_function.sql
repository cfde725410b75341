-- text_function(name, value, room) -> jsonb   (internal)
-- The functions without arguments that take or make a text, which has at most 1 MiB and p_room.
-- Errors: 22000, 54000.
create or replace function onceflow.text_function(p_name text, p_value jsonb, p_room int) returns jsonb
language plpgsql immutable as $$
declare
    v_text constant text := p_value #>> '{}';
    v_found jsonb;
    v_fault text;
begin
    case p_name
        when 'boolean' then return p_value;
        when 'upper' then return to_jsonb(upper(v_text));
        when 'lower' then return to_jsonb(lower(v_text));
        when 'trim' then return to_jsonb(btrim(v_text, e' \t\n\r\f\v'));
        when 'sha256' then return to_jsonb(encode(sha256(convert_to(v_text, 'UTF8')), 'hex'));
        when 'unbase64' then return to_jsonb(convert_from(decode(v_text, 'base64'), 'UTF8'));
        when 'base64' then
            if octet_length(v_text)::bigint * 4 / 3 > least(p_room, 1048576) then
                raise program_limit_exceeded using
                    message = format('the result would have more than %s bytes', least(p_room, 1048576));
            end if;
            return to_jsonb(translate(encode(convert_to(v_text, 'UTF8'), 'base64'), e'\n', ''));
        when 'from_json' then
            v_found := v_text::jsonb;
            v_fault := onceflow.payload_fault(v_found);
        when 'string', 'json' then
            v_fault := onceflow.payload_fault(p_value);
            if v_fault is null then
                v_found := to_jsonb(case p_name when 'string' then v_text else p_value::text end);
            end if;
        when 'number' then
            if jsonb_typeof(p_value) = 'string' and v_text !~ '^[+-]?[0-9]+([.][0-9]+)?([eE][+-]?[0-9]{1,3})?$' then
                raise data_exception using message = 'the string does not spell a number';
            end if;
            return to_jsonb(v_text::numeric);
        when 'length' then
            if jsonb_typeof(p_value) = 'object' then
                return to_jsonb((select count(*) from jsonb_object_keys(p_value)));
            end if;
            return to_jsonb(case jsonb_typeof(p_value)
                when 'string' then char_length(v_text) else jsonb_array_length(p_value) end);
    end case;
    if v_fault is not null then
        raise program_limit_exceeded using message = v_fault;
    end if;
    return v_found;
end $$;
revoke execute on function onceflow.text_function(text, jsonb, int) from public;
