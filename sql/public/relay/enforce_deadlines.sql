-- enforce_deadlines(limit, skip) -> number of instances
-- A job of the clock: closes instances past their deadline. p_limit, p_skip and others at work: as in
-- fire_timers().
-- Errors: WF004.
create or replace function onceflow.enforce_deadlines(p_limit int, p_skip int default 0) returns int
language plpgsql volatile security definer set search_path = pg_catalog, pg_temp
set plan_cache_mode = 'force_generic_plan' set jit = 'off' set max_parallel_workers_per_gather = 0
set enable_seqscan = 'off' set enable_hashjoin = 'off' set enable_mergejoin = 'off'
set enable_material = 'off' set join_collapse_limit = 1 set cpu_tuple_cost = 1000 as $$
declare
    v_now timestamptz := onceflow.now();
    v_ids uuid[];
begin
    perform onceflow.require_read_committed();
    v_ids := array(
        select c.id
        from (
            select i.id, i.deadline_at from onceflow.instance i where i.deadline_at <= v_now
            order by i.deadline_at limit p_limit + p_skip) c
        order by c.deadline_at, c.id
        offset p_skip limit p_limit);
    if v_ids = '{}' or not onceflow.take_job('enforce_deadlines') then
        return 0;
    end if;
    v_ids := onceflow.lock_instances(v_ids, false);
    perform onceflow.finish_transition(v_ids, onceflow.close_expired(v_ids, v_now));
    return cardinality(v_ids);
end $$;
revoke execute on function onceflow.enforce_deadlines(int, int) from public;
