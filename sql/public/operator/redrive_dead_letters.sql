-- redrive_dead_letters(instance ids, tasks, inputs) -> (instance_id, task, outcome, detail)
-- Tries open dead letters again: the same row and idempotency key, attempts counting on, a fresh
-- budget of retries. p_inputs corrects their inputs (null, or null for one: as it was); one that never
-- got an input, since its expression failed, needs one. A step without a worker goes on behind the expression that
-- failed, with what that should have given (redrive_takes): its value, true or false for its condition, of a fail
-- the error; a child that has failed is followed by another, with its input or this one. Tasks are QUEUED at once, or READY where an operator has suspended their instance.
-- outcome: done | refused (detail says why, and what to do instead).
-- Errors: WF002 arrays that differ · WF004.
create or replace function onceflow.redrive_dead_letters(
    p_instance_ids uuid[], p_tasks text[], p_inputs jsonb[] default null)
returns table (instance_id uuid, task text, outcome text, detail text)
language plpgsql volatile security definer set search_path = pg_catalog, pg_temp
set plan_cache_mode = 'force_generic_plan' set jit = 'off' set max_parallel_workers_per_gather = 0
set enable_seqscan = 'off' set enable_hashjoin = 'off' set enable_mergejoin = 'off'
set enable_material = 'off' set join_collapse_limit = 1 set cpu_tuple_cost = 1000 as $$
#variable_conflict use_column
declare
    v_ids uuid[] := onceflow.lock_instances(p_instance_ids);
    v_tasks onceflow.task_key[];
    v_steps onceflow.task_key[];
    v_given jsonb[];
    v_told jsonb[];
    v_changes onceflow.change[];
begin
    if p_inputs is not null then
        perform onceflow.require_same_length(p_instance_ids, p_instance_ids, cardinality(p_inputs));
    end if;

    -- Answered from the rows as they were, before they are changed.
    return query
    select j.instance_id, j.task, case when r.refusal is null then 'done' else 'refused' end,
        coalesce(r.refusal, case j.takes when 'input' then 'it is tried again' else 'it goes on with that' end)
    from onceflow.judge_dead_letters(p_instance_ids, p_tasks) j
    cross join lateral (select coalesce(j.refusal, onceflow.redrive_refusal(
        j.takes, j.has_input, nullif(p_inputs[j.n::int], 'null'))) as refusal) r
    order by j.n;

    with redriven as (
        update onceflow.task t
        set state = case when k.takes = 'input' and t.queue is not null then t.state else 'WAITING' end,
            input = case k.takes when 'input' then coalesce(k.given, t.input) end, extra_attempts = t.attempt
        from (
            select (j.key).*, j.takes, g.given
            from onceflow.judge_dead_letters(p_instance_ids, p_tasks) j
            cross join lateral (select nullif(p_inputs[j.n::int], 'null') as given) g
            where j.refusal is null and onceflow.redrive_refusal(j.takes, j.has_input, g.given) is null
            offset 0) k
        where t.instance_id = k.instance_id and t.step = k.step and t.scope = k.scope
            and t.visit = k.visit and t.instance_id >= v_ids[1]
            and t.state = 'DEAD_LETTER' and t.seq is null
        returning row(t.instance_id, t.step, t.scope, t.visit)::onceflow.task_key as key,
            k.takes = 'input' and t.queue is not null as queued, jsonb_build_object(
                'place', coalesce(t.error ->> 'place', 'value'), 'value', coalesce(k.given, t.input)) as given,
            case when k.given is not null then jsonb_build_object('given', k.takes) end as told
    )
    select coalesce(array_agg(r.key) filter (where r.queued), '{}'),
        coalesce(array_agg(r.key) filter (where not r.queued), '{}'),
        array_agg(r.given) filter (where not r.queued),
        array_agg(r.told) filter (where r.queued) || array_agg(r.told) filter (where not r.queued)
    into v_tasks, v_steps, v_given, v_told
    from redriven r;
    v_changes := onceflow.queue_tasks(v_ids, v_tasks, 'DEAD_LETTER');
    perform onceflow.note_dead_letters(v_ids);
    perform onceflow.finish_transition(v_ids, (onceflow.advance_instances(
        v_ids, v_changes, '{}', onceflow.find_tasks(v_ids, v_steps, v_given))).o_changes);
    perform onceflow.record_tasks('redrive_dead_letters', 'dead_letter', v_tasks || v_steps, v_told);
end $$;
revoke execute on function onceflow.redrive_dead_letters(uuid[], text[], jsonb[]) from public;
