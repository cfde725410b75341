-- event_key(value) -> text   (internal)
-- The key of an event: a text, or that of a number or a boolean. Null where it is none.
create or replace function onceflow.event_key(p_value jsonb) returns text
language sql immutable parallel safe
return case when jsonb_typeof(p_value) in ('string', 'number', 'boolean')
    and length(p_value #>> '{}') between 1 and 255 then p_value #>> '{}' end;
revoke execute on function onceflow.event_key(jsonb) from public;
