-- erased_error(error) -> jsonb   (internal)
-- What is left of an error whose payloads are erased: its code and type, by which failures are counted. Messages, causes
-- and details quote what a task was given.
create or replace function onceflow.erased_error(p_error jsonb) returns jsonb
language sql immutable parallel safe
return case when p_error is not null then jsonb_strip_nulls(jsonb_build_object(
    'code', p_error -> 'code', 'type', p_error -> 'type', 'message', 'erased')) end;
revoke execute on function onceflow.erased_error(jsonb) from public;
