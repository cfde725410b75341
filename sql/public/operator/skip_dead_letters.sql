-- skip_dead_letters(instance ids, tasks, outputs) -> (instance_id, task, outcome, detail)
-- Takes open dead letters for done, with outputs given by a person: SKIPPED, and the instance goes on
-- as if they had succeeded. outcome: done | refused (detail says why).
-- Errors: WF002 arrays that differ · WF004.
create or replace function onceflow.skip_dead_letters(
    p_instance_ids uuid[], p_tasks text[], p_outputs jsonb[])
returns table (instance_id uuid, task text, outcome text, detail text)
language plpgsql volatile security definer set search_path = pg_catalog, pg_temp
set plan_cache_mode = 'force_generic_plan' set jit = 'off' set max_parallel_workers_per_gather = 0
set enable_seqscan = 'off' set enable_hashjoin = 'off' set enable_mergejoin = 'off'
set enable_material = 'off' set join_collapse_limit = 1 set cpu_tuple_cost = 1000 as $$
#variable_conflict use_column
declare
    v_ids uuid[] := onceflow.lock_instances(p_instance_ids);
    v_now timestamptz := onceflow.now();
    v_changes onceflow.change[];
begin
    perform onceflow.require_same_length(p_instance_ids, p_instance_ids, cardinality(p_outputs));

    return query
    select j.instance_id, j.task, case when r.refusal is null then 'done' else 'refused' end,
        coalesce(r.refusal, 'it is skipped')
    from onceflow.judge_dead_letters(p_instance_ids, p_tasks) j
    cross join lateral (select coalesce(j.refusal,
        'the output cannot be kept: ' || (onceflow.payload_error(p_outputs[j.n::int]) ->> 'message')) as refusal) r
    order by j.n;

    with skipped as (
        update onceflow.task t
        set state = 'SKIPPED', reason = 'operator', output = k.output, seq = k.seq + 1,
            changed_at = v_now
        from (
            select (j.key).*, p_outputs[j.n::int] as output, i.seq
            from onceflow.judge_dead_letters(p_instance_ids, p_tasks) j
            cross join lateral (
                select i.seq from onceflow.instance i
                where i.id = j.instance_id and i.id between v_ids[1] and v_ids[cardinality(v_ids)] offset 0) i
            where j.refusal is null and onceflow.payload_error(p_outputs[j.n::int]) is null
            offset 0) k
        where t.instance_id = k.instance_id and t.step = k.step and t.scope = k.scope
            and t.visit = k.visit and t.instance_id >= v_ids[1]
            and t.state = 'DEAD_LETTER' and t.seq is null
        returning t.instance_id, t.step, t.scope, t.visit, t.attempt, t.queue
    )
    select coalesce(array_agg(onceflow.task_change(s.instance_id, s.step, s.scope, s.visit, s.attempt,
        'DEAD_LETTER', 'SKIPPED', s.queue)), '{}')
    into v_changes
    from skipped s;
    perform onceflow.note_dead_letters(v_ids);
    perform onceflow.finish_transition(v_ids, (onceflow.advance_instances(v_ids, v_changes,
        onceflow.find_tasks(v_ids, onceflow.changed_to(v_changes, 'SKIPPED')), '{}',
        p_undone => array(
            select row(c.instance_id, c.scope)::onceflow.scope_key from unnest(v_changes) c))).o_changes);
    perform onceflow.record_tasks('skip_dead_letters', 'dead_letter', onceflow.changed_to(v_changes, 'SKIPPED'));
end $$;
revoke execute on function onceflow.skip_dead_letters(uuid[], text[], jsonb[]) from public;
