-- register_worker(name, queues, tasks, lease, retries, id, signatures) -> worker id
-- A fresh id for each process: the caller's, with which a call whose reply was lost is repeated, or one made here.
-- The lease begins now and is renewed by renew_worker(). p_retries are the handlers' own retry policies by task
-- name, for attempts that the worker does not live to answer. It is granted tasks of p_tasks alone; p_signatures
-- are texts that differ where handlers of one name take other inputs.
-- Errors: a check violation where a queue's name or the lease (0.1 s to 1 h) is out of range · WF002 where the id
-- is that of another worker · WF003 where it has stopped or was declared dead: that is final.
create or replace function onceflow.register_worker(
    p_name text, p_queues text[], p_tasks text[], p_lease interval, p_retries jsonb default '{}',
    p_id uuid default null, p_signatures jsonb default '{}')
returns uuid
language plpgsql volatile security definer set search_path = pg_catalog, pg_temp as $$
declare
    v_id uuid := coalesce(p_id, gen_random_uuid());
begin
    if onceflow.payload_fault(p_retries, 262144) is not null then
        raise exception 'the retry policies cannot be kept: %', onceflow.payload_fault(p_retries, 262144)
            using errcode = 'WF002', hint = 'Give a few plain numbers for each task.';
    end if;
    insert into onceflow.queue (name) select distinct q from unnest(p_queues) q order by q
    on conflict do nothing;
    insert into onceflow.worker as w (
        id, name, queues, tasks, retries, signatures, state, lease, lease_until, registered_at)
    values (v_id, p_name, p_queues, p_tasks, p_retries, p_signatures, 'live', p_lease,
        clock_timestamp() + p_lease, clock_timestamp())
    on conflict (id) do update set lease_until = clock_timestamp() + w.lease
    where w.state = 'live' and (w.name, w.queues, w.tasks, w.retries, w.signatures, w.lease)
        = (excluded.name, excluded.queues, excluded.tasks, excluded.retries, excluded.signatures, excluded.lease);
    if not found then
        perform onceflow.require_live_worker(v_id);
        raise exception 'worker % is registered with another name, lease or other handlers', v_id
            using errcode = 'WF002', hint = 'Register each process with an id of its own.';
    end if;
    return v_id;
end $$;
revoke execute on function onceflow.register_worker(text, text[], text[], interval, jsonb, uuid, jsonb) from public;
