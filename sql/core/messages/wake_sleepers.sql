-- wake_sleepers(queues) -> void   (internal)
-- Wakes who sleeps on these when the transaction commits: on queues their workers, on '*' the relay that ships the
-- outbox, on '*deliveries' the clock that applies what is sent to instances. Who sleeps holds a shared advisory lock on
-- the name and listens on the channel `onceflow`; where nobody does, this costs a look into memory for each name and
-- no NOTIFY, which would make commits wait for each other.
-- A sleeper that has just lain down may be overlooked: so it looks again soon after, and at intervals. Therefore
-- nothing is sent either where the queue of notifications is filling up, since a commit fails once it is full:
-- anybody who is connected can send, and keep all from being read.
create or replace function onceflow.wake_sleepers(p_queues text[]) returns void
language plpgsql volatile as $$
declare
    v_queue text;
begin
    foreach v_queue in array p_queues loop
        -- One expression: nothing can come between the lock and its end.
        if not (case when pg_try_advisory_lock(hashtext('onceflow.sleepers'), hashtext(v_queue))
            then pg_advisory_unlock(hashtext('onceflow.sleepers'), hashtext(v_queue)) else false end)
            and pg_notification_queue_usage() < 0.5
        then
            perform pg_notify('onceflow', v_queue);
        end if;
    end loop;
end $$;
revoke execute on function onceflow.wake_sleepers(text[]) from public;
