-- timeout_error(place) -> error   (internal)
-- Of a step or an output whose expressions were ended by the statement timeout, or not begun after it.
create or replace function onceflow.timeout_error(p_place text) returns jsonb
language sql immutable parallel safe
return jsonb_build_object('code', 'expression.timeout', 'place', p_place, 'message',
    'the expressions of what comes due took too long; compare less data in them, or do it in a task');
revoke execute on function onceflow.timeout_error(text) from public;
