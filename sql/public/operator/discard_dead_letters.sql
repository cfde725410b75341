-- discard_dead_letters(instance ids, tasks) -> (instance_id, task, outcome, detail)
-- Gives open dead letters up: their instances close, by the policy of the step (`compensate`, `fail`), or else of
-- the workflow, where `suspend` means compensate now. An operator's suspension is not lifted by that. The dead
-- letter of a compensation becomes a record, the way back goes on with the next, and the instance ends FAILED,
-- since not everything was undone.
-- outcome: done | refused (detail says why).
-- Errors: WF002 arrays that differ · WF004.
create or replace function onceflow.discard_dead_letters(p_instance_ids uuid[], p_tasks text[])
returns table (instance_id uuid, task text, outcome text, detail text)
language plpgsql volatile security definer set search_path = pg_catalog, pg_temp
set plan_cache_mode = 'force_generic_plan' set jit = 'off' set max_parallel_workers_per_gather = 0
set enable_seqscan = 'off' set enable_hashjoin = 'off' set enable_mergejoin = 'off'
set enable_material = 'off' set join_collapse_limit = 1 set cpu_tuple_cost = 1000 as $$
#variable_conflict use_column
declare
    v_ids uuid[] := onceflow.lock_instances(p_instance_ids);
    v_now timestamptz := onceflow.now();
    v_keys onceflow.task_key[];
    v_failed onceflow.task_key[];
    v_given_up onceflow.change[];
    v_moved record;
begin
    v_keys := array(select j.key from onceflow.judge_dead_letters(p_instance_ids, p_tasks) j
        where j.refusal is null and j.undoes);
    v_failed := array(select j.key from onceflow.judge_dead_letters(p_instance_ids, p_tasks) j
        where j.refusal is null and not j.undoes);
    return query
    select j.instance_id, j.task, case when j.refusal is null then 'done' else 'refused' end,
        coalesce(j.refusal, 'it is given up')
    from onceflow.judge_dead_letters(p_instance_ids, p_tasks) j
    order by j.n;

    with given_up as (
        update onceflow.task t
        set seq = k.seq + 1, changed_at = v_now
        from (
            select k.*, i.seq
            from unnest(v_keys) k
            cross join lateral (
                select i.seq from onceflow.instance i
                where i.id = k.instance_id and i.id between v_ids[1] and v_ids[cardinality(v_ids)] offset 0) i
            offset 0) k
        where t.instance_id = k.instance_id and t.step = k.step and t.scope = k.scope
            and t.visit = k.visit and t.instance_id >= v_ids[1]
            and t.state = 'DEAD_LETTER' and t.seq is null
        returning t.instance_id, t.step, t.scope, t.visit, t.attempt, t.queue, t.error
    )
    select coalesce(array_agg(onceflow.task_change(g.instance_id, g.step, g.scope, g.visit, g.attempt,
        'DEAD_LETTER', 'DEAD_LETTER', g.queue, p_error => g.error)), '{}')
    into v_given_up
    from given_up g;
    -- Those of one call are judged together; one of a compensation is only given up.
    v_moved := onceflow.advance_instances(v_ids, v_given_up, '{}', '{}', v_failed, array(
        select row(g.instance_id, g.scope)::onceflow.scope_key from unnest(v_given_up) g), true);
    perform onceflow.note_dead_letters(v_ids);
    perform onceflow.finish_transition(v_ids, v_moved.o_changes);
    perform onceflow.record_tasks('discard_dead_letters', 'dead_letter', v_keys || v_failed);
end $$;
revoke execute on function onceflow.discard_dead_letters(uuid[], text[]) from public;
