-- task_name(step, scope, visit) -> text
-- A task's key as the one text of messages, calls and URLs: render, render/17, render/17/2.
create or replace function onceflow.task_name(p_step text, p_scope bigint, p_visit int) returns text
language sql immutable parallel safe
return p_step
    || case when p_scope = 0 and p_visit = 0 then '' else '/' || p_scope end
    || case when p_visit = 0 then '' else '/' || p_visit end;
revoke execute on function onceflow.task_name(text, bigint, int) from public;
