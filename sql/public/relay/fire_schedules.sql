-- fire_schedules(workflows, triggers, turns, done until, next at, due at, of, planned, missed until, missed counts)
--   -> (workflow, trigger, planned_at, state, instance_id, error)
-- A job of the clock: does with schedules what their plans say, as read_schedules() gave them with their turn. One whose turn
-- has come meanwhile, or that is locked, is left alone; so each planned time is done with once, whoever calls and however
-- often. p_of, p_planned: for each planned time whose turn it is (run_planned) the number of its schedule, and the time; where
-- p_missed_until is given, it and what was planned up to then is missed, p_missed_counts in all (null: not counted). Of each
-- schedule all is done then up to p_done_until, and p_next_at is the next planned time, due at p_due_at.
-- Errors: WF004.
create or replace function onceflow.fire_schedules(
    p_workflow_ids bigint[], p_triggers text[], p_turns int[], p_done_until timestamptz[], p_next_at timestamptz[],
    p_due_at timestamptz[], p_of int[], p_planned timestamptz[], p_missed_until timestamptz[], p_missed_counts int[])
returns table (workflow text, trigger text, planned_at timestamptz, state text, instance_id uuid, error jsonb)
language plpgsql volatile security definer set search_path = pg_catalog, pg_temp
set plan_cache_mode = 'force_generic_plan' set jit = 'off' set max_parallel_workers_per_gather = 0
set enable_seqscan = 'off' set enable_hashjoin = 'off' set enable_mergejoin = 'off'
set enable_material = 'off' set join_collapse_limit = 1 set cpu_tuple_cost = 1000 as $$
#variable_conflict use_column
declare
    v_now timestamptz := onceflow.now();
    v_mine int[];
    v_workflows bigint[];
    v_triggers text[];
    v_planned timestamptz[];
begin
    perform onceflow.require_read_committed();
    if coalesce(cardinality(p_workflow_ids), 0) = 0 or not onceflow.take_job('fire_schedules') then
        return;
    end if;
    v_mine := array(
        select k.n::int
        from unnest(p_workflow_ids, p_triggers, p_turns) with ordinality k (workflow, trigger, turn, n)
        join onceflow.trigger t on t.workflow_id = k.workflow and t.trigger = k.trigger
        -- Said so that none is sought by its time: all may be due.
        where t.turn = k.turn and (t.due_at <= v_now) is true
        order by t.workflow_id, t.trigger
        for no key update of t skip locked);
    update onceflow.trigger t
    set done_until = p_done_until[m], next_at = p_next_at[m], due_at = p_due_at[m], turn = t.turn + 1
    from unnest(v_mine) m
    where t.workflow_id = p_workflow_ids[m] and t.trigger = p_triggers[m] and t.turn = p_turns[m];
    insert into onceflow.schedule_run (workflow_id, trigger, planned_at, cause, state, at, until, count)
    select p_workflow_ids[k.of], p_triggers[k.of], k.planned, 'schedule', 'missed', v_now, k.until, k.count
    from unnest(p_of, p_planned, p_missed_until, p_missed_counts) k (of, planned, until, count)
    where k.of = any (v_mine) and k.until is not null
    order by 1, 2, 3
    on conflict do nothing;
    select array_agg(p_workflow_ids[k.of] order by k.n), array_agg(p_triggers[k.of] order by k.n),
        array_agg(k.planned order by k.n)
    into v_workflows, v_triggers, v_planned
    from unnest(p_of, p_planned, p_missed_until) with ordinality k (of, planned, until, n)
    where k.of = any (v_mine) and k.until is null;
    if v_planned is not null then
        return query
        select w.name, v_triggers[r.n], v_planned[r.n], r.state, r.instance_id, r.error
        from onceflow.run_planned(v_workflows, v_triggers, v_planned,
            array_fill('schedule'::text, array[cardinality(v_planned)])) r
        join onceflow.workflow w on w.id = v_workflows[r.n];
    end if;
    return query
    select w.name, p_triggers[k.of], k.planned, 'missed', null::uuid,
        jsonb_build_object('until', onceflow.time_text(k.until), 'count', k.count)
    from unnest(p_of, p_planned, p_missed_until, p_missed_counts) k (of, planned, until, count)
    join onceflow.workflow w on w.id = p_workflow_ids[k.of]
    where k.of = any (v_mine) and k.until is not null;
    -- Now and then of each.
    v_mine := array(select m from unnest(v_mine) m where p_turns[m] % 100 = 99);
    if cardinality(v_mine) > 0 then
        perform onceflow.trim_runs(array(select p_workflow_ids[m] from unnest(v_mine) with ordinality k (m, n) order by k.n),
            array(select p_triggers[m] from unnest(v_mine) with ordinality k (m, n) order by k.n));
    end if;
end $$;
revoke execute on function onceflow.fire_schedules(bigint[], text[], int[], timestamptz[], timestamptz[], timestamptz[],
    int[], timestamptz[], timestamptz[], int[]) from public;
