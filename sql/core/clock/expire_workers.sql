-- expire_workers() -> number of workers, or null   (internal)
-- Declares workers dead whose lease is over, by the real clock; null where another tick is at work.
-- After a gap between two ticks (Postgres or all relays were away, and nobody could renew) no worker
-- is declared dead for one whole lease. The rows of ended workers are kept for a day.
create or replace function onceflow.expire_workers() returns int
language plpgsql volatile as $$
declare
    v_real timestamptz := clock_timestamp();
    v_clock onceflow.clock;
    v_leases record;
    v_count int := 0;
begin
    -- Not the row's lock: that would cost each of the many ticks that find nothing a transaction id.
    if not pg_try_advisory_xact_lock(hashtext('onceflow.tick'), 0) then
        return null;
    end if;
    select * into v_clock from onceflow.clock;
    select min(w.lease) as shortest, max(w.lease) as longest into v_leases
    from onceflow.worker w where w.state = 'live';
    if v_clock.last_tick_at is null or v_real - v_clock.last_tick_at
        > greatest(interval '2 seconds', least(interval '5 seconds', v_leases.shortest / 2))
    then
        v_clock.grace_until := v_real + v_leases.longest;
        update onceflow.clock set grace_until = v_clock.grace_until;
    end if;

    if v_clock.grace_until is null or v_clock.grace_until <= v_real then
        update onceflow.worker w
        set state = 'dead', ended_at = v_real, progress = '{}'
        where w.state = 'live' and w.lease_until <= v_real;
        get diagnostics v_count = row_count;
    end if;
    delete from onceflow.worker w
    where w.state <> 'live' and w.ended_at < v_real - interval '1 day'
        and not exists (select from onceflow.task t where t.worker_id = w.id and t.state = 'RUNNING');
    return v_count;
end $$;
revoke execute on function onceflow.expire_workers() from public;
