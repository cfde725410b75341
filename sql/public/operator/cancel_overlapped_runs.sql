-- cancel_overlapped_runs(limit, skip) -> number of instances
-- A job of the clock: cancels what is under way of schedules whose next planned time waits for its place (overlap: cancel),
-- as cancel_instances() does; that starts once it has ended. A transaction of its own: nothing that starts touches another.
-- Also for: relay.
-- Errors: WF004.
create or replace function onceflow.cancel_overlapped_runs(p_limit int, p_skip int default 0) returns int
language plpgsql volatile security definer set search_path = pg_catalog, pg_temp
set plan_cache_mode = 'force_generic_plan' set jit = 'off' set max_parallel_workers_per_gather = 0
set enable_seqscan = 'off' set enable_hashjoin = 'off' set enable_mergejoin = 'off'
set enable_material = 'off' set join_collapse_limit = 1 set cpu_tuple_cost = 1000 as $$
declare
    v_ids uuid[];
begin
    v_ids := array(
        select i.id
        from onceflow.schedule_run q
        join onceflow.trigger t on t.workflow_id = q.workflow_id and t.trigger = q.trigger
        join onceflow.schedule_run r on r.workflow_id = q.workflow_id and r.trigger = q.trigger and r.under_way
        cross join lateral (
            select i.id from onceflow.instance i where i.id = r.instance_id and i.state = 'RUNNING' offset 0) i
        where q.state = 'queued' and q.cause <> 'backfill' and t.spec ->> 'overlap' = 'cancel' and t.paused_at is null
        order by i.id offset p_skip limit p_limit);
    if v_ids = '{}' then
        return 0;
    end if;
    -- Nobody's decision of now: the audit tells it as the clock's.
    perform set_config('onceflow.actor', 'the clock, by overlap: cancel', true);
    perform from onceflow.cancel_instances(v_ids);
    return cardinality(v_ids);
end $$;
revoke execute on function onceflow.cancel_overlapped_runs(int, int) from public;
