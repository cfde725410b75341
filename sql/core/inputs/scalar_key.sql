-- scalar_key(value) -> text   (internal)
-- A scalar as the text by which an enum is looked up: one for all that JSON Schema takes for equal.
create or replace function onceflow.scalar_key(p_value jsonb) returns text
language sql immutable parallel safe
return case jsonb_typeof(p_value)
    when 'string' then 's' || (p_value #>> '{}')
    when 'number' then 'n' || trim_scale(p_value::numeric)
    else p_value::text end;
revoke execute on function onceflow.scalar_key(jsonb) from public;
