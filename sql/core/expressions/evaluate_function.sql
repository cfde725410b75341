-- evaluate_function(call, value, argument) -> jsonb   (internal)
-- One function behind a pipe, of a value that is there; the argument is null for those without one.
-- The call {"f": name, "t": text} gives its name, and its text for errors. Numbers are numeric
-- throughout: no digit is lost. SQL null: there is no first or last item.
--   string, number, json         to a text, from a text, to JSON text
--   upper, lower, trim           of a string
--   length                       of a string, an array, an object
--   first, last, sum, join(text) of an array
--   keys                         of an object, in the order of their code points
--   boolean                      no change; the compiler puts it around `when`
-- Errors: WF006, where the value is of a kind that the function does not take, or too large.
create or replace function onceflow.evaluate_function(p_call jsonb, p_value jsonb, p_argument jsonb)
returns jsonb
language plpgsql immutable as $$
declare
    v_name text := p_call ->> 'f';
    v_kind text := jsonb_typeof(p_value);
    v_takes text := case
        when v_name in ('upper', 'lower', 'trim') then 'string'
        when v_name in ('first', 'last', 'sum', 'join') then 'array'
        when v_name = 'string' then 'string number boolean'
        when v_name = 'number' then 'string number'
        when v_name = 'length' then 'string array object'
        when v_name = 'keys' then 'object'
        when v_name = 'boolean' then 'boolean'
        when v_name = 'json' then 'string number boolean null array object'
    end;
    v_text text := p_value #>> '{}';
    v_wrong text;
begin
    if not v_kind = any (string_to_array(v_takes, ' ')) then
        raise exception '%: this takes %, and was given %',
            p_call ->> 't', replace(v_takes, ' ', ' or '), v_kind
            using errcode = 'WF006';
    end if;
    case v_name
        when 'string' then return to_jsonb(v_text);
        when 'json' then return to_jsonb(p_value::text);
        when 'upper' then return to_jsonb(upper(v_text));
        when 'lower' then return to_jsonb(lower(v_text));
        when 'trim' then return to_jsonb(btrim(v_text, e' \t\n\r\f\v'));
        when 'boolean' then return p_value;
        when 'first' then return p_value -> 0;
        when 'last' then return p_value -> -1;
        when 'number' then
            if v_kind = 'string' and v_text !~ '^[+-]?[0-9]+([.][0-9]+)?([eE][+-]?[0-9]{1,3})?$' then
                raise exception '%: the string does not spell a number', p_call ->> 't'
                    using errcode = 'WF006';
            end if;
            return to_jsonb(v_text::numeric);
        when 'length' then
            return to_jsonb(case v_kind
                when 'string' then char_length(v_text)
                when 'array' then jsonb_array_length(p_value)
                else (select count(*) from jsonb_object_keys(p_value))
            end);
        when 'keys' then
            return coalesce((
                select jsonb_agg(k order by k collate "C") from jsonb_object_keys(p_value) k), '[]');
        when 'sum' then
            select min(jsonb_typeof(i.item)) into v_wrong
            from jsonb_array_elements(p_value) i (item)
            where jsonb_typeof(i.item) <> 'number';
            if v_wrong is not null then
                raise exception '%: this takes an array of numbers, and one item is of type %',
                    p_call ->> 't', v_wrong
                    using errcode = 'WF006';
            end if;
            return to_jsonb(coalesce((
                select sum(i.item::numeric) from jsonb_array_elements(p_value) i (item)), 0));
        when 'join' then
            if jsonb_array_length(p_value)::bigint * pg_column_size(p_argument) > 4194304 then
                raise program_limit_exceeded using message = 'the result would be larger than 1 MiB';
            end if;
            return to_jsonb(coalesce((
                select string_agg(onceflow.evaluate_text(i.item, p_call ->> 't'),
                    onceflow.evaluate_text(p_argument, p_call ->> 't') order by i.n)
                from jsonb_array_elements(p_value) with ordinality i (item, n)), ''));
    end case;
exception
    when data_exception or program_limit_exceeded then
        raise exception '%: %', p_call ->> 't', sqlerrm using errcode = 'WF006';
end $$;
revoke execute on function onceflow.evaluate_function(jsonb, jsonb, jsonb) from public;
