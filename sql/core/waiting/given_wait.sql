-- given_wait(spec, given) -> jsonb   (internal)
-- What a step waits for whose expression failed, by what that should have given: for how long, until when, or the key of
-- its event, or the input of an instance of its own.
create or replace function onceflow.given_wait(p_spec jsonb, p_given jsonb) returns jsonb
language sql immutable parallel safe
return case when p_spec ? 'event' then jsonb_build_object('event', p_spec -> 'event', 'key', p_given)
    when p_spec ? 'workflow' then jsonb_build_object('with', p_given)
    when p_spec -> 'with' -> 'o' ? 'until' then jsonb_build_object('until', p_given)
    else p_given end;
revoke execute on function onceflow.given_wait(jsonb, jsonb) from public;
