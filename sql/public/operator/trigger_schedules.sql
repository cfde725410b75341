-- trigger_schedules(workflows, triggers, at) -> (workflow, trigger, outcome, instance_id, detail)
-- Has schedules start an instance now, as if they had planned it, also while they are paused. p_at is the time that it is
-- planned for (null: now): a call whose reply was lost is repeated with the same, and starts nothing more.
-- outcome: started | queued | skipped, as the schedule's overlap says | refused (detail says why) | unknown.
-- Errors: WF002 arrays that differ in length.
create or replace function onceflow.trigger_schedules(p_workflows text[], p_triggers text[], p_at timestamptz default null)
returns table (workflow text, trigger text, outcome text, instance_id uuid, detail text)
language plpgsql volatile security definer set search_path = pg_catalog, pg_temp
set plan_cache_mode = 'force_generic_plan' set jit = 'off' set max_parallel_workers_per_gather = 0
set enable_seqscan = 'off' set enable_hashjoin = 'off' set enable_mergejoin = 'off'
set enable_material = 'off' set join_collapse_limit = 1 set cpu_tuple_cost = 1000 as $$
#variable_conflict use_column
declare
    v_at timestamptz := coalesce(p_at, onceflow.now());
    v_workflows bigint[];
    v_triggers text[];
begin
    perform onceflow.lock_triggers(p_workflows, p_triggers);
    select array_agg(k.id order by k.id, k.trigger), array_agg(k.trigger order by k.id, k.trigger)
    into v_workflows, v_triggers
    from (
        select distinct w.id, t.trigger
        from unnest(p_workflows, p_triggers) k (workflow, trigger)
        join onceflow.workflow w on w.name = k.workflow
        join onceflow.trigger t on t.workflow_id = w.id and t.trigger = k.trigger and t.kind = 'schedule'
        where not exists (
            select from onceflow.schedule_run r
            where r.workflow_id = w.id and r.trigger = t.trigger and r.planned_at = v_at)) k;
    if v_workflows is not null then
        perform from onceflow.run_planned(v_workflows, v_triggers, array_fill(v_at, array[cardinality(v_workflows)]),
            array_fill('manual'::text, array[cardinality(v_workflows)]));
        perform onceflow.record_audit('trigger_schedules', 'trigger', array_agg(w.name order by k.n),
            array_agg(k.trigger order by k.n), p_after => array_agg(jsonb_strip_nulls(jsonb_build_object(
                'planned_at', onceflow.time_text(v_at), 'state', r.state, 'instance', r.instance_id)) order by k.n))
        from unnest(v_workflows, v_triggers) with ordinality k (workflow, trigger, n)
        join onceflow.workflow w on w.id = k.workflow
        join onceflow.schedule_run r on r.workflow_id = k.workflow and r.trigger = k.trigger and r.planned_at = v_at;
    end if;
    return query
    select k.workflow, k.trigger, coalesce(r.state, 'unknown'), r.instance_id,
        case r.state when 'started' then 'planned for ' || onceflow.time_text(v_at)
            when 'queued' then 'it starts once what is under way has ended'
            when 'skipped' then 'an instance of the schedule is under way'
            when 'refused' then r.error ->> 'message'
            else 'the workflow has no such schedule' end
    from unnest(p_workflows, p_triggers) with ordinality k (workflow, trigger, n)
    left join onceflow.workflow w on w.name = k.workflow
    left join onceflow.schedule_run r on r.workflow_id = w.id and r.trigger = k.trigger and r.planned_at = v_at
    order by k.n;
end $$;
revoke execute on function onceflow.trigger_schedules(text[], text[], timestamptz) from public;
