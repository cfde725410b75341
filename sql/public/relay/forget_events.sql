-- forget_events(limit, skip) -> number of events
-- A job of the clock: deletes events that are kept for nobody any more. p_limit, p_skip and others at work: as in fire_timers().
create or replace function onceflow.forget_events(p_limit int, p_skip int default 0) returns int
language plpgsql volatile security definer set search_path = pg_catalog, pg_temp
set plan_cache_mode = 'force_generic_plan' set jit = 'off' set max_parallel_workers_per_gather = 0
set enable_seqscan = 'off' set enable_hashjoin = 'off' set enable_mergejoin = 'off'
set enable_material = 'off' set join_collapse_limit = 1 set cpu_tuple_cost = 1000 as $$
declare
    v_now constant timestamptz := onceflow.now();
    v_count int;
begin
    if not exists (select from onceflow.event e where e.keep_until < v_now)
        or not onceflow.take_job('forget_events') then
        return 0;
    end if;
    delete from onceflow.event e
    using (
        select d.name, d.id from onceflow.event d
        where d.keep_until < v_now order by d.keep_until offset p_skip limit p_limit
        for update skip locked) d
    where e.name = d.name and e.id = d.id;
    get diagnostics v_count = row_count;
    return v_count;
end $$;
revoke execute on function onceflow.forget_events(int, int) from public;
