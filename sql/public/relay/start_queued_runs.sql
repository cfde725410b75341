-- start_queued_runs(limit, skip) -> number of runs
-- A job of the clock: of each schedule of which planned times wait, however many, starts the first once nothing of it is under way, what
-- was planned or asked for by hand before what a backfill brings. Of a backfill whose schedule lets instances overlap up
-- to ten are under way. What was planned waits on while its schedule is paused.
-- Errors: WF004.
create or replace function onceflow.start_queued_runs(p_limit int, p_skip int default 0) returns int
language plpgsql volatile security definer set search_path = pg_catalog, pg_temp
set plan_cache_mode = 'force_generic_plan' set jit = 'off' set max_parallel_workers_per_gather = 0
set enable_seqscan = 'off' set enable_hashjoin = 'off' set enable_mergejoin = 'off'
set enable_material = 'off' set join_collapse_limit = 1 set cpu_tuple_cost = 1000 as $$
declare
    v_workflows bigint[];
    v_triggers text[];
    v_planned timestamptz[];
    v_causes text[];
    v_locked bool := false;
begin
    perform onceflow.require_read_committed();
    loop
        select array_agg(q.workflow_id order by q.workflow_id, q.trigger), array_agg(q.trigger order by q.workflow_id, q.trigger),
            array_agg(q.planned_at order by q.workflow_id, q.trigger), array_agg(q.cause order by q.workflow_id, q.trigger)
        into v_workflows, v_triggers, v_planned, v_causes
        from (
            with recursive waiting as (
                (select r.workflow_id, r.trigger from onceflow.schedule_run r
                where r.state = 'queued' and not v_locked
                order by r.workflow_id, r.trigger limit 1)
                union all
                select n.workflow_id, n.trigger
                from waiting w
                cross join lateral (
                    select r.workflow_id, r.trigger from onceflow.schedule_run r
                    where r.state = 'queued' and (r.workflow_id, r.trigger) > (w.workflow_id, w.trigger)
                    order by r.workflow_id, r.trigger limit 1) n
            )
            select w.workflow_id, w.trigger, r.planned_at, r.cause
            from (
                select w.* from waiting w
                union all
                select * from unnest(v_workflows, v_triggers) where v_locked) w
            cross join lateral (
                select t.spec ->> 'overlap' = 'allow' as overlaps, t.paused_at from onceflow.trigger t
                where t.workflow_id = w.workflow_id and t.trigger = w.trigger offset 0) t
            cross join lateral (
                select count(*) as count from onceflow.schedule_run o
                join onceflow.instance i on i.id = o.instance_id
                where o.workflow_id = w.workflow_id and o.trigger = w.trigger and o.under_way and i.ended_at is null
                offset 0) u
            cross join lateral (
                select f.planned_at, c.cause
                from unnest(case when u.count = 0 then array['schedule', 'manual', 'backfill']
                    when t.overlaps and u.count < 10 then array['backfill'] end) c (cause)
                cross join lateral (
                    select r.planned_at from onceflow.schedule_run r
                    where r.workflow_id = w.workflow_id and r.trigger = w.trigger and r.state = 'queued'
                        and r.cause = c.cause and (t.paused_at is null or c.cause <> 'schedule')
                    order by r.planned_at limit 1) f
                order by c.cause = 'backfill', f.planned_at limit 1) r
            order by w.workflow_id, w.trigger
            offset case when v_locked then 0 else p_skip end limit p_limit) q;
        if v_workflows is null or not v_locked and not onceflow.take_job('start_queued_runs') then
            return 0;
        end if;
        exit when v_locked;
        -- Looked at once more under the lock of those that nobody else has.
        select array_agg(l.workflow_id), array_agg(l.trigger) into v_workflows, v_triggers
        from (
            select t.workflow_id, t.trigger
            from unnest(v_workflows, v_triggers) k (workflow, trigger)
            join onceflow.trigger t on t.workflow_id = k.workflow and t.trigger = k.trigger
            order by t.workflow_id, t.trigger
            for no key update of t skip locked) l;
        v_locked := true;
    end loop;
    perform onceflow.settle_runs(v_workflows, v_triggers);
    perform from onceflow.start_runs(v_workflows, v_triggers, v_planned, v_causes);
    return cardinality(v_workflows);
end $$;
revoke execute on function onceflow.start_queued_runs(int, int) from public;
