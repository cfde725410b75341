-- is_undone(spec of a block, its workflow's on_failure) -> boolean   (internal)
-- Whether what a block leaves half done is undone before it goes on, or behind it; else it is left to the scope around,
-- by `undo: false`, or to nobody, by the workflow's `on_failure: fail`. Inlined where it is called.
create or replace function onceflow.is_undone(p_spec jsonb, p_on_failure text) returns boolean
language sql immutable parallel safe
return p_spec -> 'undo' is distinct from 'false' and p_on_failure <> 'fail';
revoke execute on function onceflow.is_undone(jsonb, text) from public;
