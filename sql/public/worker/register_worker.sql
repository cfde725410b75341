-- register_worker(name, queues, tasks, lease, retries) -> worker id
-- A fresh id for each process. The lease begins now and is renewed by renew_worker(). p_retries are the
-- handlers' own retry policies by task name, for attempts that the worker does not live to answer.
-- Errors: a check violation where a queue's name or the lease (0.1 s to 1 h) is out of range.
create or replace function onceflow.register_worker(
    p_name text, p_queues text[], p_tasks text[], p_lease interval, p_retries jsonb default '{}')
returns uuid
language plpgsql volatile security definer set search_path = pg_catalog, pg_temp as $$
declare
    v_id uuid := gen_random_uuid();
begin
    insert into onceflow.queue (name) select distinct q from unnest(p_queues) q order by q
    on conflict do nothing;
    insert into onceflow.worker (
        id, name, queues, tasks, retries, state, lease, lease_until, registered_at)
    values (v_id, p_name, p_queues, p_tasks, p_retries, 'live', p_lease,
        clock_timestamp() + p_lease, clock_timestamp());
    return v_id;
end $$;
revoke execute on function onceflow.register_worker(text, text[], text[], interval, jsonb) from public;
