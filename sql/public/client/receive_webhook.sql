-- receive_webhook(workflow, trigger, request, id, trace) -> (outcome, instance_id, error)
-- Starts an instance for a request that a webhook has received, whose signature its receiver has checked. p_request is
-- {body, headers, query}: what the expressions of the webhook see. p_id is the caller's own id, a UUID version 7 (null:
-- made here): a call whose reply was lost is repeated with the same. p_trace is a W3C trace context, as in start_instances().
-- outcome: started | exists (its key was that of an earlier delivery, which started the instance) | passed (`when` does not hold)
--   | failed (nothing was started; error {code, message} says why, of an input that does not fit with its faults) | paused |
--   disabled (an operator lets nothing start) | unknown (there is no such webhook).
-- What failed, or came while nothing may start, is noted in the view trigger_failures.
create or replace function onceflow.receive_webhook(
    p_workflow text, p_trigger text, p_request jsonb, p_id uuid default null, p_trace jsonb default null)
returns table (outcome text, instance_id uuid, error jsonb)
language plpgsql volatile security definer set search_path = pg_catalog, pg_temp
set plan_cache_mode = 'force_generic_plan' set jit = 'off' set max_parallel_workers_per_gather = 0
set enable_seqscan = 'off' set enable_hashjoin = 'off' set enable_mergejoin = 'off'
set enable_material = 'off' set join_collapse_limit = 1 set cpu_tuple_cost = 1000 as $$
#variable_conflict use_column
declare
    v_id constant uuid := coalesce(p_id, (select onceflow.uuid7(d.cell) from onceflow.deployment d));
    v_of record;
    v_found onceflow.evaluation;
    v_given jsonb;
    v_key text;
    v_started record;
begin
    perform onceflow.require_read_committed();
    select t.workflow_id, t.spec, t.paused_at into v_of
    from onceflow.workflow w
    join onceflow.trigger t on t.workflow_id = w.id and t.trigger = p_trigger and t.kind = 'webhook'
    where w.name = p_workflow;
    if not found then
        return query select 'unknown', null::uuid, null::jsonb;
        return;
    end if;
    if v_of.paused_at is not null then
        perform onceflow.note_trigger_failure(
            v_of.workflow_id, p_trigger, 'paused', 'the webhook was paused: its sender was asked to try again', null);
        return query select 'paused', null::uuid, null::jsonb;
        return;
    end if;

    v_found := onceflow.try_evaluate(v_of.spec -> 'when', jsonb_build_object('o', jsonb_build_object(
            'key', coalesce(v_of.spec -> 'key', '{"v": null}'), 'input', v_of.spec -> 'input')),
        onceflow.trigger_context(p_workflow, p_trigger, v_id::text, p_request));
    if not v_found.runs then
        return query select 'passed', null::uuid, null::jsonb;
        return;
    end if;
    v_given := v_found.value -> 'key';
    if v_found.error is null and jsonb_typeof(v_given) not in ('string', 'number', 'null') or v_given = '""' then
        v_found.error := jsonb_build_object('code', 'key', 'message', format(
            'the key is %s: it has to be a string or a number, or null for none', left(v_given::text, 100)));
    end if;
    v_key := p_trigger || '/' || (v_given #>> '{}');
    if length(v_key) > 255 then
        v_key := p_trigger || '/sha256:' || encode(sha256(convert_to(v_key, 'UTF8')), 'hex');
    end if;
    select s.outcome, s.instance_id, s.error into v_started from onceflow.start_triggered(
        array[v_of.workflow_id], array[p_trigger],
        array[case when v_found.error is null then v_found.value -> 'input' else '{}' end], array[v_key], array[v_id], null,
        array[v_found.error], array[p_trace]) s;
    if v_started.outcome in ('invalid', 'disabled') then
        perform onceflow.note_trigger_failure(v_of.workflow_id, p_trigger, v_started.error ->> 'code',
            v_started.error ->> 'message', v_given #>> '{}');
    end if;
    return query select case v_started.outcome
            when 'invalid' then 'failed'
            -- A sender that repeats means the same, whatever the expressions make of it by now.
            when 'conflict' then 'exists'
            else v_started.outcome end, v_started.instance_id, v_started.error;
end $$;
revoke execute on function onceflow.receive_webhook(text, text, jsonb, uuid, jsonb) from public;
