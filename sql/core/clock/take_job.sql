-- take_job(name) -> boolean   (internal)
-- Whether this transaction has a job of the clock to itself until it ends; false where another is at it, who is
-- not waited for. Asked only once there is something to do: a lock on a row costs a transaction id.
create or replace function onceflow.take_job(p_name text) returns boolean
language plpgsql volatile as $$
begin
    perform from onceflow.job j where j.name = p_name for no key update skip locked;
    return found;
end $$;
revoke execute on function onceflow.take_job(text) from public;
