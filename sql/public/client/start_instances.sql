-- start_instances(workflow, inputs, keys, version, ids, start at, traces, labels)
--   -> (ordinal, instance_id, outcome, state, error)
-- Starts an instance for each input, of the latest version unless one is given. p_ids are the callers' own
-- UUIDs version 7, made within an hour (null: made here): a call whose reply was lost is repeated with the same.
-- p_keys are idempotency keys (null for none): one key starts one instance, whoever sends it and however often.
-- p_start_at (null: at once) is when the first steps of an instance come due; until then it waits, and can be cancelled.
-- p_traces (null: none) are W3C trace contexts {traceparent, tracestate}, which the attempts of an instance belong to; one that
-- is malformed is passed over.
-- p_labels (null: none) are objects of names and values, over those that the definition gives; null takes one of these away. An
-- instance that exists keeps its own.
-- outcome: started | exists (the instance of that key or id; whatever the input, where its own is erased) | conflict
--   (which was started with another input, or of another workflow: nothing was started) | invalid (nothing was started, error {code, message} says why,
--   of an input that does not fit the workflow's schema with its faults [{place, message}]; there
--   is no instance_id) | disabled (an operator lets none of the workflow start: disable_workflows(); error says so).
--   Each item has its own: one that is invalid keeps no other from being started.
-- Errors: WF001 no such workflow or version · WF002 arrays that differ in length.
create or replace function onceflow.start_instances(
    p_workflow text, p_inputs jsonb[], p_keys text[] default null, p_version int default null,
    p_ids uuid[] default null, p_start_at timestamptz[] default null, p_traces jsonb[] default null,
    p_labels jsonb[] default null)
returns table (ordinal int, instance_id uuid, outcome text, state text, error jsonb)
language plpgsql volatile security definer set search_path = pg_catalog, pg_temp
set plan_cache_mode = 'force_generic_plan' set jit = 'off' set max_parallel_workers_per_gather = 0
set enable_seqscan = 'off' set enable_hashjoin = 'off' set enable_mergejoin = 'off'
set enable_material = 'off' set join_collapse_limit = 1 set cpu_tuple_cost = 1000 as $$
#variable_conflict use_column
declare
    v_version constant record := onceflow.version_to_start(p_workflow, p_version);
    v_now timestamptz := onceflow.now();
    v_ids uuid[];
    v_errors jsonb[];
    v_workflows bigint[];
begin
    if not onceflow.is_read_committed() then
        perform onceflow.require_read_committed();
    end if;
    if cardinality(p_traces) <> cardinality(p_inputs) then
        raise exception 'inputs and traces differ in number: % and %', cardinality(p_inputs), cardinality(p_traces)
            using errcode = 'WF002', hint = 'Give one trace context (or null) for each input, or none at all.';
    end if;
    if cardinality(p_labels) <> cardinality(p_inputs) then
        raise exception 'inputs and labels differ in number: % and %', cardinality(p_inputs), cardinality(p_labels)
            using errcode = 'WF002', hint = 'Give an object of labels (or null) for each input, or none at all.';
    end if;
    v_workflows := array_fill(v_version.o_workflow_id, array[coalesce(cardinality(p_inputs), 0)]);
    select c.o_ids, c.o_errors into v_ids, v_errors from onceflow.check_starts(
        p_inputs, p_keys, p_ids, v_version.o_checks) c;
    if p_start_at is not null then
        select c.o_ids, c.o_errors into v_ids, v_errors from onceflow.check_start_times(
            p_start_at, v_ids, v_errors, v_now) c;
    end if;
    if v_version.o_disabled_at is not null then
        select c.o_ids, c.o_errors into v_ids, v_errors from onceflow.refuse_starts(
            v_workflows, p_keys, v_ids, v_errors) c;
    end if;
    return query
    select s.ordinal, s.instance_id, s.outcome, s.state, s.error
    from onceflow.start_items(
        v_workflows, array_fill(v_version.o_id, array[cardinality(p_inputs)]),
        array_fill(v_version.o_deadline, array[cardinality(p_inputs)]), v_version.o_searched,
        p_inputs, p_keys, v_ids, v_errors, p_start_at, null, null, v_now,
        p_traces => p_traces, p_labels => coalesce(p_labels, case when v_version.o_labelled then '{}'::jsonb[] end)) s;
end $$;
revoke execute on function onceflow.start_instances(
    text, jsonb[], text[], int, uuid[], timestamptz[], jsonb[], jsonb[]) from public;
