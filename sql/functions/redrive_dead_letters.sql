-- redrive_dead_letters(instance ids, tasks, inputs) -> (instance_id, task, outcome, detail)
-- Tries open dead letters again: the same row and idempotency key, attempts counting on, a fresh
-- budget of retries. p_inputs corrects their inputs (null, or null for one: as it was); one that never
-- got an input, since its expression failed, needs one.
-- When the last open dead letter of an instance is redriven, the suspension by it ends.
-- outcome: done | refused (detail says why, and what to do instead).
-- Errors: WF002 arrays that differ · WF004.
create or replace function onceflow.redrive_dead_letters(
    p_instance_ids uuid[], p_tasks text[], p_inputs jsonb[] default null)
returns table (instance_id uuid, task text, outcome text, detail text)
language plpgsql volatile security definer set search_path = ''
set plan_cache_mode = 'force_generic_plan' set jit = 'off'
set enable_seqscan = 'off' set enable_hashjoin = 'off' set enable_mergejoin = 'off'
set enable_material = 'off' set join_collapse_limit = 1 set cpu_tuple_cost = 1000 as $$
#variable_conflict use_column
declare
    v_ids uuid[] := onceflow.lock_instances(p_instance_ids);
    v_now timestamptz := onceflow.now();
    v_changes onceflow.change[];
begin
    if p_inputs is not null then
        perform onceflow.require_same_length(p_instance_ids, p_instance_ids, cardinality(p_inputs));
    end if;
    perform onceflow.lock_tasks(onceflow.task_keys(p_instance_ids, p_tasks));

    -- Answered from the rows as they were, before they are changed.
    return query
    select j.instance_id, j.task,
        case when coalesce(j.refusal, r.refusal) is null then 'done' else 'refused' end,
        coalesce(j.refusal, r.refusal, 'it is tried again')
    from onceflow.judge_dead_letters(p_instance_ids, p_tasks) j
    cross join lateral (select case when not j.has_input and p_inputs[j.n::int] is null
        then 'it never got an input: give one' end as refusal) r
    order by j.n;

    with redriven as (
        update onceflow.task t
        set state = 'READY', input = coalesce(p_inputs[j.n::int], t.input),
            extra_attempts = t.attempt, changed_at = v_now
        from onceflow.judge_dead_letters(p_instance_ids, p_tasks) j
        where t.instance_id = (j.key).instance_id and t.step = (j.key).step
            and t.scope = (j.key).scope and t.visit = (j.key).visit
            and t.state = 'DEAD_LETTER' and t.seq is null
            and (j.has_input or p_inputs[j.n::int] is not null)
        returning t.instance_id, t.step, t.scope, t.visit, t.attempt, t.queue
    )
    select coalesce(array_agg(row(r.instance_id, r.step, r.scope, r.visit, r.attempt,
        'DEAD_LETTER', 'READY', 0, null, r.queue, null)::onceflow.change), '{}')
    into v_changes
    from redriven r;
    perform onceflow.record_changes(v_ids, v_changes || onceflow.lift_suspensions(v_ids));
end $$;
revoke execute on function onceflow.redrive_dead_letters(uuid[], text[], jsonb[]) from public;
