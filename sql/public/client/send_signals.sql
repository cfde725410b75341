-- send_signals(instance ids, names, payloads, keys) -> (ordinal, instance_id, outcome, task, detail, faults)
-- Sends signals to instances, one for each id: a step that waits for the name, of several the one that began first, takes
-- it in this very transition; where none does it is kept, and the next one that begins to wait for it takes the oldest. p_payloads
-- are any JSON (null: null). p_keys (null for none) make a repetition harmless: one key of an instance is one signal.
-- outcome: accepted (task is the one that took it, null where it is kept) | repeated (it came before) | conflict (its
--   key came before with another name or payload) | ended (the instance takes none any more) | unknown (no such instance) | invalid
--   (a name, key or payload that is none, a name that its workflow does not declare, or a payload that does not fit: faults lists
--   what Postgres checks of the schema, {place, message} with JSON pointers) | full (1,000 are kept already). detail says it
--   in words; each item has its own.
-- Errors: WF002 arrays that differ · WF004.
-- Also for: operator.
create or replace function onceflow.send_signals(
    p_instance_ids uuid[], p_names text[], p_payloads jsonb[], p_keys text[] default null)
returns table (ordinal int, instance_id uuid, outcome text, task text, detail text, faults jsonb)
language plpgsql volatile security definer set search_path = pg_catalog, pg_temp
set plan_cache_mode = 'force_generic_plan' set jit = 'off' set max_parallel_workers_per_gather = 0
set enable_seqscan = 'off' set enable_hashjoin = 'off' set enable_mergejoin = 'off'
set enable_material = 'off' set join_collapse_limit = 1 set cpu_tuple_cost = 1000 as $$
#variable_conflict use_column
declare
    v_ids constant uuid[] := onceflow.lock_instances(p_instance_ids);
    v_now constant timestamptz := onceflow.now();
    v_judged onceflow.judged_signal[];
begin
    perform onceflow.require_same_length(p_instance_ids, p_instance_ids, cardinality(p_names));
    perform onceflow.require_same_length(p_instance_ids, p_instance_ids, cardinality(p_payloads));
    if p_keys is not null then
        perform onceflow.require_same_length(p_instance_ids, p_instance_ids, cardinality(p_keys));
    end if;
    -- Under the lock, in a statement of its own.
    v_judged := onceflow.judge_signals(p_instance_ids, p_names, p_payloads, p_keys);

    insert into onceflow.delivery (instance_id, id, kind, name, key, payload, step, scope, visit, state, made_at)
    select j.instance_id, nextval('onceflow.delivery_id'), 'signal', j.name, j.key, j.payload, j.step, j.scope, j.visit,
        case when j.step is null then 'kept' else 'taken' end, v_now
    from (select j.* from unnest(v_judged) j where j.outcome = 'accepted' order by j.n offset 0) j;
    perform onceflow.finish_transition(v_ids, onceflow.move_waiting(v_ids, onceflow.end_waits(v_ids, array(
        select row(j.instance_id, j.step, j.scope, j.visit, j.payload, null)::onceflow.ended_wait
        from unnest(v_judged) j
        where j.outcome = 'accepted' and j.step is not null))));
    return query
    select j.n::int, j.instance_id, j.outcome, case when j.step is not null and j.outcome = 'accepted'
        then onceflow.task_name(j.step, j.scope, j.visit) end, j.detail, j.faults
    from unnest(v_judged) j
    order by j.n;
end $$;
revoke execute on function onceflow.send_signals(uuid[], text[], jsonb[], text[]) from public;
