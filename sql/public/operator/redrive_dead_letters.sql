-- redrive_dead_letters(instance ids, tasks, inputs) -> (instance_id, task, outcome, detail)
-- Tries open dead letters again: the same row and idempotency key, attempts counting on, a fresh
-- budget of retries. p_inputs corrects their inputs (null, or null for one: as it was); one that never
-- got an input, since its expression failed, needs one. A step that runs nothing (set, fail) is refused: skip it.
-- They are QUEUED at once, or READY where an operator has suspended their instance.
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
    v_redriven onceflow.task_key[];
begin
    if p_inputs is not null then
        perform onceflow.require_same_length(p_instance_ids, p_instance_ids, cardinality(p_inputs));
    end if;

    -- Answered from the rows as they were, before they are changed.
    return query
    select j.instance_id, j.task,
        case when coalesce(j.refusal, r.refusal) is null then 'done' else 'refused' end,
        coalesce(j.refusal, r.refusal, 'it is tried again')
    from onceflow.judge_dead_letters(p_instance_ids, p_tasks) j
    cross join lateral (select case
        when not j.runs then 'nothing runs in it: skip it with the output that it should give, or discard it'
        when not j.has_input and nullif(p_inputs[j.n::int], 'null') is null
            then 'it never got an input: give one'
        else 'the input cannot be kept: ' || (onceflow.payload_error(p_inputs[j.n::int]) ->> 'message') end as refusal) r
    order by j.n;

    with redriven as (
        update onceflow.task t
        set input = coalesce(k.input, t.input), extra_attempts = t.attempt
        from (
            select (j.key).*, i.input
            from onceflow.judge_dead_letters(p_instance_ids, p_tasks) j
            cross join lateral (select nullif(p_inputs[j.n::int], 'null') as input) i
            where j.refusal is null and j.runs and (j.has_input or i.input is not null)
                and onceflow.payload_error(i.input) is null
            offset 0) k
        where t.instance_id = k.instance_id and t.step = k.step and t.scope = k.scope
            and t.visit = k.visit and t.instance_id >= v_ids[1]
            and t.state = 'DEAD_LETTER' and t.seq is null
        returning t.instance_id, t.step, t.scope, t.visit
    )
    select coalesce(array_agg(row(r.*)::onceflow.task_key), '{}') into v_redriven from redriven r;
    perform onceflow.finish_transition(v_ids, onceflow.queue_tasks(v_ids, v_redriven, 'DEAD_LETTER'));
    perform onceflow.note_dead_letters(v_ids);
end $$;
revoke execute on function onceflow.redrive_dead_letters(uuid[], text[], jsonb[]) from public;
