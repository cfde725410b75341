-- start_runs(workflows, triggers, planned, causes) -> (n, state, instance_id, error)   (internal)
-- Starts an instance for each planned time, with the input that its schedule gives, and keeps what came of it: started, or
-- refused with an error. Its key is the entry and the planned time, so that one that was started before is found. The rows
-- of the triggers are locked.
create or replace function onceflow.start_runs(
    p_workflows bigint[], p_triggers text[], p_planned timestamptz[], p_causes text[])
returns table (n int, state text, instance_id uuid, error jsonb)
language plpgsql volatile as $$
#variable_conflict use_column
declare
    v_now constant timestamptz := onceflow.now();
    v_keys text[];
    v_inputs jsonb[];
    v_errors jsonb[];
begin
    if coalesce(cardinality(p_workflows), 0) = 0 then
        return;
    end if;
    select array_agg(k.key order by k.n), array_agg(coalesce(e.value, '{}') order by k.n), array_agg(e.error order by k.n)
    into v_keys, v_inputs, v_errors
    from (
        select k.*, k.trigger || '/' || onceflow.exact_time(k.planned) as key
        from unnest(p_workflows, p_triggers, p_planned) with ordinality k (workflow, trigger, planned, n)) k
    join onceflow.workflow w on w.id = k.workflow
    join onceflow.trigger t on t.workflow_id = k.workflow and t.trigger = k.trigger
    cross join lateral onceflow.try_evaluate(null, t.spec -> 'input', onceflow.trigger_context(
        w.name, t.trigger, onceflow.exact_time(k.planned), jsonb_build_object(
            'scheduled_at', onceflow.exact_time(k.planned), 'trigger', t.trigger, 'workflow', w.name))) e;
    return query
    with started as (
        select s.*, case when s.instance_id is null then 'refused' else 'started' end as became
        from onceflow.start_triggered(p_workflows, p_triggers, v_inputs, v_keys, null, p_planned, v_errors) s
    ), kept as (
        insert into onceflow.schedule_run as r
            (workflow_id, trigger, planned_at, cause, state, instance_id, under_way, at, error)
        select t.workflow_id, t.trigger, p_planned[s.ordinal], p_causes[s.ordinal], s.became, s.instance_id,
            s.instance_id is not null and (t.spec ->> 'overlap' <> 'allow' or p_causes[s.ordinal] = 'backfill'), v_now, s.error
        from started s
        join onceflow.trigger t on t.workflow_id = p_workflows[s.ordinal] and t.trigger = p_triggers[s.ordinal]
        order by 1, 2, 3
        on conflict (workflow_id, trigger, planned_at) do update
        set state = excluded.state, instance_id = excluded.instance_id, under_way = excluded.under_way, at = excluded.at,
            error = excluded.error, until = null, count = null
    )
    select s.ordinal, s.became, s.instance_id, s.error from started s;
end $$;
revoke execute on function onceflow.start_runs(bigint[], text[], timestamptz[], text[]) from public;
