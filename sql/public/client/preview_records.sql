-- preview_records(workflow, trigger, topic, ids, records, reasons) -> (inputs, schema, version id)
-- What records of a topic would start instances with, by the expressions of a trigger: of each the input, or null where it
-- starts nothing. Nothing is started, and nothing kept. schema is the JSON Schema of the inputs where Postgres checks only a part
-- of it: whoever takes the records checks them by all of it first, and says so to take_records() by the version's id. It is null
-- where Postgres checks all, and where the records are sent as events. There is no row where there is no such trigger.
-- p_ids, p_records and p_reasons are those of take_records().
-- Errors: WF002 arrays that differ. An expression that is too slow: as start_instances().
-- Also for: relay.
create or replace function onceflow.preview_records(
    p_workflow text, p_trigger text, p_topic text, p_ids uuid[], p_records jsonb[], p_reasons text[] default null)
returns table (inputs jsonb[], schema jsonb, version_id bigint)
language plpgsql stable security definer set search_path = pg_catalog, pg_temp as $$
#variable_conflict use_column
declare
    v_trigger constant onceflow.trigger := (onceflow.find_topic_trigger(p_workflow, p_trigger, p_topic)).o_trigger;
    v_of record;
begin
    if cardinality(p_records) is distinct from cardinality(p_ids) then
        raise exception 'the arrays differ in length: % ids, % records', cardinality(p_ids), cardinality(p_records)
            using errcode = 'WF002', hint = 'Give one of each for each record.';
    end if;
    if v_trigger.workflow_id is null then
        return;
    end if;
    select * into v_of from onceflow.evaluate_records(
        p_workflow, p_trigger, v_trigger.spec, p_topic, p_ids, p_records, p_reasons);
    return query
    select array(
            select case when k.runs and k.error is null then k.input end
            from unnest(v_of.o_runs, v_of.o_inputs, v_of.o_errors) with ordinality k (runs, input, error, n) order by k.n),
        case when v.input_unchecked is not null and not v_trigger.spec ? 'event' then v.input_schema end, v.id
    from onceflow.workflow_version v
    where v.id = v_trigger.version_id;
end $$;
revoke execute on function onceflow.preview_records(text, text, text, uuid[], jsonb[], text[]) from public;
