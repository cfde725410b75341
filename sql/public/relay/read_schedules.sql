-- read_schedules(limit, skip) -> (workflow_id, workflow, trigger, plan, catch_up, done_until, turn, now)
-- Schedules of which a planned time is due, or the next one is still to be computed, those that are due longest first: who
-- can compute what they have planned (engine/schedules) calls fire_schedules() with it. Locks and changes nothing. catch_up
-- is in seconds; times count from now.
create or replace function onceflow.read_schedules(p_limit int, p_skip int default 0)
returns table (workflow_id bigint, workflow text, trigger text, plan jsonb, catch_up float8, done_until timestamptz, turn int,
    now timestamptz)
language plpgsql stable security definer set search_path = pg_catalog, pg_temp
set plan_cache_mode = 'force_generic_plan' set jit = 'off' set max_parallel_workers_per_gather = 0
set enable_seqscan = 'off' set enable_hashjoin = 'off' set enable_mergejoin = 'off'
set enable_material = 'off' set join_collapse_limit = 1 set cpu_tuple_cost = 1000 as $$
#variable_conflict use_column
declare
    v_now timestamptz := onceflow.now();
begin
    return query
    select t.workflow_id, w.name, t.trigger, t.spec -> 'plan', (t.spec ->> 'catch_up')::float8, t.done_until, t.turn, v_now
    from (
        select t.* from onceflow.trigger t where t.due_at <= v_now
        order by t.due_at limit p_limit + p_skip) t
    join onceflow.workflow w on w.id = t.workflow_id
    order by t.due_at, t.workflow_id, t.trigger
    offset p_skip limit p_limit;
end $$;
revoke execute on function onceflow.read_schedules(int, int) from public;
