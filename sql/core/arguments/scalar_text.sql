-- scalar_text(value) -> text   (internal)
-- A string, a number or a boolean as the text by which it is found: a number has no trailing zeros. Null of anything else.
create or replace function onceflow.scalar_text(p_value jsonb) returns text
language sql immutable parallel safe
return case jsonb_typeof(p_value)
    when 'number' then trim_scale(p_value::numeric)::text
    when 'string' then p_value #>> '{}'
    when 'boolean' then p_value #>> '{}' end;
revoke execute on function onceflow.scalar_text(jsonb) from public;
