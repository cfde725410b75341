-- label_fault(labels) -> {place, message}   (internal)
-- What is wrong with labels, an object of names and values: the first fault and where it is, a JSON pointer; null where nothing
-- is. A value is a string, a number or a boolean, of 255 bytes as a text; null stands for none.
create or replace function onceflow.label_fault(p_labels jsonb) returns jsonb
language plpgsql immutable as $$
declare
    v_count int;
begin
    if jsonb_typeof(p_labels) is distinct from 'object' then
        return jsonb_build_object('place', '', 'message', 'is no object of names and values, such as {"customer": "ACME"}');
    end if;
    v_count := (select count(*) from jsonb_object_keys(p_labels));
    if v_count > 32 then
        return jsonb_build_object('place', '', 'message', 'has ' || v_count || ' labels, and 32 are the most');
    end if;
    return (
        select jsonb_build_object('place', '/' || replace(replace(left(l.key, 100), '~', '~0'), '/', '~1'), 'message', case
                when l.key !~ '^[a-z][a-z0-9_.-]{0,63}$'
                then 'the name of a label is a small letter, then up to 63 small letters, digits, ., _ or -'
                when jsonb_typeof(l.value) in ('object', 'array')
                then 'is an ' || jsonb_typeof(l.value) || '; a label is a text, a number, true or false, or null for none'
                else 'has ' || octet_length(onceflow.scalar_text(l.value)) || ' bytes, and 255 are the most' end)
        from jsonb_each(p_labels) l
        where l.key !~ '^[a-z][a-z0-9_.-]{0,63}$' or jsonb_typeof(l.value) in ('object', 'array')
            or octet_length(onceflow.scalar_text(l.value)) > 255
        order by l.key limit 1);
end $$;
revoke execute on function onceflow.label_fault(jsonb) from public;
