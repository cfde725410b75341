-- task_name(step, scope, visit) -> text
-- A task's key as the one text of messages, calls and URLs: render, render/17, render/17/2.
-- (The casts make it inlined: number || text is stable, and would not be.)
create or replace function onceflow.task_name(p_step text, p_scope bigint, p_visit int) returns text
language sql immutable parallel safe
return p_step
    || case when p_scope = 0 and p_visit = 0 then '' else '/' || p_scope::text end
    || case when p_visit = 0 then '' else '/' || p_visit::text end;
revoke execute on function onceflow.task_name(text, bigint, int) from public;
