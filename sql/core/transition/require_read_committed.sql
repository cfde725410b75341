-- require_read_committed() -> void   (internal)
-- A transition locks in one statement and reads in the next; under a snapshot that outlives the
-- statement, the read would miss what was committed while the lock was awaited.
-- Errors: WF004 under any other isolation level.
create or replace function onceflow.require_read_committed() returns void
language plpgsql stable as $$
begin
    if not onceflow.is_read_committed() then
        raise exception 'a transition cannot run at isolation level %',
            current_setting('transaction_isolation')
            using errcode = 'WF004', hint = 'Begin the transaction with ISOLATION LEVEL READ COMMITTED.';
    end if;
end $$;
revoke execute on function onceflow.require_read_committed() from public;
