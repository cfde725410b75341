-- trigger_context(workflow, trigger, item, heard) -> jsonb   (internal)
-- What the expressions of a trigger see: what it has heard, by their roots, and what now() and uuid() are told. p_item names
-- that among all that this trigger hears, so that uuid() gives the same for it again.
create or replace function onceflow.trigger_context(p_workflow text, p_trigger text, p_item text, p_heard jsonb)
returns jsonb
language sql stable
return p_heard || jsonb_build_object(
    '@now', onceflow.exact_time(onceflow.now()), '@task', p_workflow || '/' || p_trigger || '/' || p_item);
revoke execute on function onceflow.trigger_context(text, text, text, jsonb) from public;
