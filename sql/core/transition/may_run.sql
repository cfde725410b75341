-- may_run(instance state, suspended at, step kind) -> boolean   (internal)
-- The one predicate that claim, hand-off and every requeue ask: a forward task runs in a RUNNING
-- instance, a compensation in a COMPENSATING one, neither in a suspended one.
create or replace function onceflow.may_run(p_state text, p_suspended_at timestamptz, p_kind text)
returns boolean
language sql immutable parallel safe
return p_suspended_at is null
    and p_state = case p_kind when 'compensation' then 'COMPENSATING' else 'RUNNING' end;
revoke execute on function onceflow.may_run(text, timestamptz, text) from public;
