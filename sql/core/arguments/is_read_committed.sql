-- is_read_committed() -> boolean   (internal)
-- Whether each statement of this transaction sees what was committed before it began (require_read_committed). Inlined.
create or replace function onceflow.is_read_committed() returns boolean
language sql stable parallel safe
return current_setting('transaction_isolation') = 'read committed';
revoke execute on function onceflow.is_read_committed() from public;
