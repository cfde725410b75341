-- kind_of_items(array, kinds) -> text   (internal)
-- The one kind, of those that are allowed ('number string'), that all items of an array have; null where it is empty.
-- Errors: 22000 where there is none.
create or replace function onceflow.kind_of_items(p_array jsonb, p_kinds text) returns text
language plpgsql immutable as $$
declare
    v_kind constant text := jsonb_typeof(p_array -> 0);
    v_other text;
begin
    select jsonb_typeof(i) into v_other from jsonb_array_elements(p_array) i
    where jsonb_typeof(i) <> v_kind or not jsonb_typeof(i) = any (string_to_array(p_kinds, ' ')) limit 1;
    if v_other is not null then
        raise data_exception using message = format('this takes an array of %ss, and one item is of type %s%s',
            replace(p_kinds, ' ', 's or of '), v_other,
            case when v_other <> v_kind then ', the first of ' || v_kind end);
    end if;
    return v_kind;
end $$;
revoke execute on function onceflow.kind_of_items(jsonb, text) from public;
