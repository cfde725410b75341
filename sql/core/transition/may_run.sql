-- may_run(instance state, held since, step kind) -> boolean   (internal)
-- The one predicate that claim, hand-off and every requeue ask: nothing runs in an instance that an operator
-- holds; else a compensation always, since it is due only where something is undone, and so a notice, a forward task where its
-- instance is RUNNING. An open dead letter holds nothing: p_held_since is null where that alone is told.
create or replace function onceflow.may_run(p_state text, p_held_since timestamptz, p_kind text)
returns boolean
language sql immutable parallel safe
return p_held_since is null and (p_kind in ('compensation', 'notice') or p_state = 'RUNNING');
revoke execute on function onceflow.may_run(text, timestamptz, text) from public;
