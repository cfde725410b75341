-- redrive_takes(step kind, error) -> text
-- What a dead letter is redriven with: `input` of a task or a child, as it was or another; else what the expression that
-- failed (the error tells its place) should have given, a `boolean`, an `array`, any `value`, or of a fail the
-- `error` to fail with, of a sleep the `time`, for how long or until when, of a wait_for the `key` of its event. Null where nothing can be redriven.
create or replace function onceflow.redrive_takes(p_kind text, p_error jsonb) returns text
language sql immutable parallel safe
return case
    when p_error ->> 'place' = 'limit' then null
    when p_kind = 'undo_child' then null
    when p_kind = 'workflow' and not p_error ? 'place' then 'input'
    when p_kind in ('task', 'compensation', 'notice') then 'input'
    when p_error ->> 'place' = 'timeout' then null
    when p_error ->> 'place' <> 'value' then 'boolean'
    when p_kind = 'for_each' then 'array'
    when p_kind = 'fail' then 'error'
    when p_kind = 'sleep' then 'time'
    when p_kind = 'wait_for' then 'key'
    else 'value' end;
revoke execute on function onceflow.redrive_takes(text, jsonb) from public;
