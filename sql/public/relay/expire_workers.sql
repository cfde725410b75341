-- expire_workers(limit, skip, by) -> number of workers
-- A job of the clock: declares workers dead whose lease is over, by the real clock; the row of one that has ended
-- is kept for a day. After a gap between two looks (Postgres or all relays were away, and nobody could renew) no
-- worker is declared dead for one whole lease. A worker's row that another transaction holds is left for the next
-- time. p_limit, p_skip and others at work: as in fire_timers(). A look that finds nothing writes once a second:
-- that is the clock's heartbeat (onceflow.heartbeat), and p_by the name of the relay whose it is.
create or replace function onceflow.expire_workers(p_limit int, p_skip int default 0, p_by text default null)
returns int
language plpgsql volatile security definer set search_path = pg_catalog, pg_temp as $$
declare
    v_real timestamptz := clock_timestamp();
    v_clock onceflow.clock;
    v_leases record;
    v_ids uuid[];
    v_count int := 0;
begin
    select * into v_clock from onceflow.clock;
    if v_clock.last_tick_at > v_real - interval '1 second' and (v_clock.grace_until > v_real
        or not exists (select from onceflow.worker w where w.state = 'live' and w.lease_until <= v_real))
    then
        return 0;
    end if;
    -- Its own row, and not one of onceflow.job: once a second it is written anyway.
    select * into v_clock from onceflow.clock for no key update skip locked;
    if not found then
        return 0;
    end if;
    select min(w.lease) as shortest, max(w.lease) as longest into v_leases
    from onceflow.worker w where w.state = 'live';
    if v_clock.last_tick_at is null or v_real - v_clock.last_tick_at
        > greatest(interval '2 seconds', least(interval '5 seconds', v_leases.shortest / 2))
    then
        v_clock.grace_until := v_real + v_leases.longest;
    end if;

    if v_clock.grace_until is null or v_clock.grace_until <= v_real then
        v_ids := array(
            select w.id from onceflow.worker w
            where w.state = 'live' and w.lease_until <= v_real
            order by w.id
            offset p_skip limit p_limit
            for no key update skip locked);
        update onceflow.worker w
        set state = 'dead', ended_at = v_real, progress = '{}'
        where w.id = any (v_ids) and w.state = 'live' and w.lease_until <= v_real;
        get diagnostics v_count = row_count;
    end if;
    v_ids := array(
        select w.id from onceflow.worker w
        where w.state <> 'live' and w.ended_at < v_real - interval '1 day'
            and not exists (select from onceflow.task t where t.worker_id = w.id and t.state = 'RUNNING')
        order by w.id
        offset p_skip limit p_limit
        for update skip locked);
    delete from onceflow.worker w where w.id = any (v_ids) and w.state <> 'live';
    update onceflow.clock c set last_tick_at = v_real, turned_by = left(p_by, 255), grace_until = v_clock.grace_until;
    return v_count;
end $$;
revoke execute on function onceflow.expire_workers(int, int, text) from public;
