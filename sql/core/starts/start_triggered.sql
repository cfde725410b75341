-- start_triggered(workflows, triggers, inputs, keys, ids, scheduled at, errors, traces)
--   -> (ordinal, instance_id, outcome, state, error)   (internal)
-- Starts an instance for each item that a trigger has heard of, of the latest version of its workflow, which may be another
-- for each. p_ids, p_keys: as in start_instances(), also what comes of each. p_scheduled_at: the times that schedules had
-- planned. p_traces: trace contexts, as read_trace() takes them. An item with an error, such as that of its expressions, starts nothing and is answered with it.
-- Errors: WF002 arrays that differ in length.
create or replace function onceflow.start_triggered(
    p_workflows bigint[], p_triggers text[], p_inputs jsonb[], p_keys text[] default null, p_ids uuid[] default null,
    p_scheduled_at timestamptz[] default null, p_errors jsonb[] default null, p_traces jsonb[] default null)
returns table (ordinal int, instance_id uuid, outcome text, state text, error jsonb)
language plpgsql volatile as $$
#variable_conflict use_column
declare
    v_of record;
    v_ids uuid[];
    v_errors jsonb[];
begin
    perform onceflow.require_read_committed();
    select c.o_ids, c.o_errors into v_ids, v_errors from onceflow.check_starts(p_inputs, p_keys, p_ids, null) c;
    select array_agg(v.id order by k.n) as versions, array_agg(v.deadline order by k.n) as deadlines,
        coalesce(bool_or(v.searched), false) as searched, bool_or(v.labelled) as labelled, coalesce(bool_or(w.disabled_at is not null), false) as disabled,
        array_agg(coalesce(k.error, k.fault, v.fault) order by k.n) as errors
    into v_of
    from unnest(p_workflows, p_inputs, p_errors, v_errors) with ordinality k (workflow, input, error, fault, n)
    join onceflow.workflow w on w.id = k.workflow
    cross join lateral (
        select v.id, v.deadline, v.search is not null as searched, v.labels is not null as labelled,
            case when v.input_checks is not null and coalesce(k.error, k.fault) is null
                then onceflow.input_error(v.input_checks, k.input) end as fault
        from onceflow.workflow_version v
        where v.workflow_id = k.workflow order by v.version desc limit 1) v;
    if array_remove(v_of.errors, null) <> '{}' then
        v_ids := array(
            select case when k.error is null then k.id end
            from unnest(v_ids, v_of.errors) with ordinality k (id, error, n) order by k.n);
    end if;
    v_errors := v_of.errors;
    if v_of.disabled then
        select c.o_ids, c.o_errors into v_ids, v_errors
        from onceflow.refuse_starts(p_workflows, p_keys, v_ids, v_errors) c;
    end if;
    return query
    select s.ordinal, s.instance_id, s.outcome, s.state, s.error
    from onceflow.start_items(
        p_workflows, v_of.versions, v_of.deadlines, v_of.searched, p_inputs, p_keys, v_ids, v_errors, null, p_triggers,
        p_scheduled_at, onceflow.now(), p_traces => p_traces, p_labels => case when v_of.labelled then '{}'::jsonb[] end) s;
end $$;
revoke execute on function onceflow.start_triggered(
    bigint[], text[], jsonb[], text[], uuid[], timestamptz[], jsonb[], jsonb[]) from public;
