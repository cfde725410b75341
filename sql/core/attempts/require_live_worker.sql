-- require_live_worker(worker) -> void   (internal)
-- Errors: WF003 where the worker is unknown, has stopped, was declared dead or let its lease run out.
create or replace function onceflow.require_live_worker(p_worker_id uuid) returns void
language plpgsql stable as $$
declare
    v_worker onceflow.worker;
begin
    select * into v_worker from onceflow.worker w where w.id = p_worker_id;
    if v_worker.state is distinct from 'live' or v_worker.lease_until <= clock_timestamp() then
        raise exception 'worker % is %', p_worker_id, case
            when v_worker.id is null then 'unknown'
            when v_worker.state = 'live' then 'past its lease, which ended ' || onceflow.time_text(v_worker.lease_until)
            else v_worker.state end
            using errcode = 'WF003',
            hint = 'Drop what it runs and register again: register_worker() gives a fresh id.';
    end if;
end $$;
revoke execute on function onceflow.require_live_worker(uuid) from public;
