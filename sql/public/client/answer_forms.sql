-- answer_forms(instance ids, tasks, decisions, answers, by, keys) -> (ordinal, instance_id, task, outcome, detail, faults)
-- Answers forms that steps of the kind approve have opened: the first answer that fits ends the step, whose output is
-- {decision, by, at, answer}. p_decisions are of those that the form has, p_answers (null: {}) objects that fit its schema, as far as
-- Postgres checks it; p_by says who answers. p_keys (null for none) make a repetition harmless.
-- outcome: accepted | repeated (it came before) | conflict (another answer came before under its key) | answered (somebody
--   was first: detail says who) | claimed (somebody else has taken it) | ended (the step does not wait any more) | invalid (it does
--   not fit: faults has {place, message}) | unknown (no such form). detail says it in words; each item has its own.
-- Errors: WF002 arrays that differ · WF004.
-- Also for: operator.
create or replace function onceflow.answer_forms(
    p_instance_ids uuid[], p_tasks text[], p_decisions text[], p_answers jsonb[], p_by text[], p_keys text[] default null)
returns table (ordinal int, instance_id uuid, task text, outcome text, detail text, faults jsonb)
language plpgsql volatile security definer set search_path = pg_catalog, pg_temp
set plan_cache_mode = 'force_generic_plan' set jit = 'off' set max_parallel_workers_per_gather = 0
set enable_seqscan = 'off' set enable_hashjoin = 'off' set enable_mergejoin = 'off'
set enable_material = 'off' set join_collapse_limit = 1 set cpu_tuple_cost = 1000 as $$
#variable_conflict use_column
declare
    v_ids constant uuid[] := onceflow.lock_instances(p_instance_ids);
    v_keys constant onceflow.task_key[] := onceflow.task_keys(p_instance_ids, p_tasks);
    v_now constant timestamptz := onceflow.now();
    v_judged onceflow.judged_answer[];
begin
    perform onceflow.require_same_length(p_instance_ids, p_instance_ids, cardinality(p_decisions));
    perform onceflow.require_same_length(p_instance_ids, p_instance_ids, cardinality(p_answers));
    perform onceflow.require_same_length(p_instance_ids, p_instance_ids, cardinality(p_by));
    if p_keys is not null then
        perform onceflow.require_same_length(p_instance_ids, p_instance_ids, cardinality(p_keys));
    end if;
    -- Under the lock, in a statement of its own.
    v_judged := onceflow.judge_answers(v_keys, p_decisions, p_answers, p_by, p_keys);

    insert into onceflow.delivery (instance_id, id, kind, name, key, payload, step, scope, visit, state, made_at)
    select j.instance_id, nextval('onceflow.delivery_id'), 'form', 'answer', j.key, j.payload, j.step, j.scope, j.visit,
        'taken', v_now
    from (select j.* from unnest(v_judged) j where j.outcome = 'accepted' order by j.n offset 0) j;
    perform onceflow.finish_transition(v_ids, onceflow.move_waiting(v_ids, onceflow.end_waits(v_ids, array(
        select row(j.instance_id, j.step, j.scope, j.visit,
            j.payload || jsonb_build_object('at', onceflow.time_text(v_now)), null)::onceflow.ended_wait
        from unnest(v_judged) j
        where j.outcome = 'accepted'))));
    perform onceflow.record_tasks('answer_forms', 'form',
        array_agg(row(j.instance_id, j.step, j.scope, j.visit)::onceflow.task_key order by j.n),
        array_agg(jsonb_build_object('decision', j.payload -> 'decision', 'by', j.payload -> 'by') order by j.n),
        array_agg(j.payload ->> 'by' order by j.n))
    from unnest(v_judged) j
    where j.outcome = 'accepted';
    return query
    select j.n::int, j.instance_id, p_tasks[j.n], j.outcome, j.detail, j.faults
    from unnest(v_judged) j
    order by j.n;
end $$;
revoke execute on function onceflow.answer_forms(uuid[], text[], text[], jsonb[], text[], text[]) from public;
