-- await_call(key) -> void   (internal)
-- Waits for the transaction that holds an advisory lock, but not for ever: it may be a stranger's, who saw the
-- key in pg_locks. If it was the call itself, what that was granted is found by the worker's renewals.
create or replace function onceflow.await_call(p_key bigint) returns void
language plpgsql volatile as $$
declare
    v_timeout text := current_setting('lock_timeout');
begin
    perform set_config('lock_timeout', '3s', true);
    perform pg_advisory_xact_lock(p_key);
    perform set_config('lock_timeout', v_timeout, true);
exception when lock_not_available then
    null;
end $$;
revoke execute on function onceflow.await_call(bigint) from public;
