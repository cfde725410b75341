-- start_records(trigger, ids, records, runs, inputs, keys, errors) -> (n, outcome, error)   (internal)
-- Starts what a topic's records are for, as evaluate_records() has them. outcome: started | exists | passed over | failed,
-- with the error that says why; null of a record that is null, which is not taken. A trace context is what its headers tell.
-- Errors: 40001 where the workflow was disabled meanwhile: all is to be done again, and is halted then.
create or replace function onceflow.start_records(
    p_trigger onceflow.trigger, p_ids uuid[], p_records jsonb[], p_runs boolean[], p_inputs jsonb[], p_keys text[],
    p_errors jsonb[])
returns table (n int, outcome text, error jsonb)
language plpgsql volatile as $$
#variable_conflict use_column
declare
    v_of record;
    v_outcomes text[];
    v_instances uuid[];
    v_failed jsonb[];
begin
    select array_agg(k.id order by k.n) as ids, array_agg(k.input order by k.n) as inputs, array_agg(k.key order by k.n) as keys,
        array_agg(p_trigger.workflow_id) as workflows, array_agg(p_trigger.trigger) as triggers,
        array_agg(case when k.record #> '{headers,traceparent}' is not null then k.record -> 'headers' end order by k.n) as traces
    into v_of
    from unnest(p_ids, p_records, p_runs, p_inputs, p_keys, p_errors) with ordinality k (id, record, runs, input, key, error, n)
    where k.record is not null and k.runs and k.error is null;
    if v_of.ids is not null then
        select array_agg(s.outcome order by s.ordinal), array_agg(s.instance_id order by s.ordinal),
            array_agg(s.error order by s.ordinal)
        into v_outcomes, v_instances, v_failed
        from onceflow.start_triggered(v_of.workflows, v_of.triggers, v_of.inputs, v_of.keys, v_of.ids,
            p_traces => case when array_remove(v_of.traces, null) <> '{}' then v_of.traces end) s;
        if 'disabled' = any (v_outcomes) then
            raise serialization_failure using message = 'the workflow has been disabled meanwhile';
        end if;
    end if;
    return query
    select k.n::int, case when k.record is null then null when k.error is not null then 'failed'
            when not k.starts then 'passed over' when v_outcomes[k.nth] in ('started', 'exists') then v_outcomes[k.nth]
            else 'failed' end,
        case when k.record is null or k.error is not null or not k.starts then k.error
            when v_outcomes[k.nth] = 'conflict' then jsonb_build_object('code', 'conflict', 'message', format(
                'its key %s has started instance %s with another input', k.key, v_instances[k.nth]))
            when v_outcomes[k.nth] = 'invalid' then v_failed[k.nth] end
    from (
        select k.*, r.starts, (count(*) filter (where r.starts) over (order by k.n))::int as nth
        from unnest(p_records, p_runs, p_keys, p_errors) with ordinality k (record, runs, key, error, n)
        cross join lateral (select k.record is not null and k.runs and k.error is null as starts) r) k
    order by k.n;
end $$;
revoke execute on function onceflow.start_records(
    onceflow.trigger, uuid[], jsonb[], boolean[], jsonb[], text[], jsonb[]) from public;
