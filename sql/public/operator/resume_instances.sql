-- resume_instances(ids) -> (instance_id, outcome, detail)
-- Lifts an operator's suspension and releases what became READY under it: tasks are QUEUED, what waits by itself begins to.
-- An open dead letter, which holds nothing but what depends on it, is told from then on.
-- outcome: done | refused (detail says why) | unknown.
-- Errors: WF004.
create or replace function onceflow.resume_instances(p_ids uuid[])
returns table (instance_id uuid, outcome text, detail text)
language plpgsql volatile security definer set search_path = pg_catalog, pg_temp
set plan_cache_mode = 'force_generic_plan' set jit = 'off' set max_parallel_workers_per_gather = 0
set enable_seqscan = 'off' set enable_hashjoin = 'off' set enable_mergejoin = 'off'
set enable_material = 'off' set join_collapse_limit = 1 set cpu_tuple_cost = 1000 as $$
#variable_conflict use_column
declare
    v_ids uuid[] := onceflow.lock_instances(p_ids);
    v_held uuid[] := array(
        select i.id from onceflow.instance i
        where i.id = any (v_ids) and i.id >= v_ids[1] and i.suspended_by = 'operator' order by i.id);
    v_changes onceflow.change[];
    v_waits onceflow.placed_task[];
begin
    -- Until note_dead_letters() has looked whether there is one.
    update onceflow.instance i set suspended_by = 'dead_letter'
    where i.id = any (v_held) and i.suspended_by = 'operator';
    perform onceflow.note_dead_letters(v_held);
    v_changes := onceflow.queue_tasks(v_held, array(
        select row(t.instance_id, t.step, t.scope, t.visit)::onceflow.task_key
        from onceflow.task t
        where t.instance_id = any (v_held) and t.instance_id >= v_held[1]
            and t.state = 'READY' and t.held_by = 'operator' and t.queue is not null
        order by t.instance_id, t.step, t.scope, t.visit), 'READY');
    v_waits := onceflow.held_waits(v_held);
    if cardinality(v_waits) > 0 then
        v_changes := (onceflow.advance_instances(v_held, v_changes, '{}', v_waits)).o_changes;
    end if;
    perform onceflow.finish_transition(v_ids, v_changes);
    perform onceflow.record_audit('resume_instances', 'instance', v_held::text[]);
    return query
    select u.id, case when i.id is null then 'unknown'
            when i.id = any (v_held) then 'done' else 'refused' end,
        case when i.id is null then 'there is no such instance'
            when i.id = any (v_held) then 'it is ' || i.state
                || case when i.suspended_by = 'dead_letter' then ', and has an open dead letter' else '' end
            when i.suspended_by = 'dead_letter'
                then 'nobody has suspended it: redrive, skip or discard its open dead letter'
            else 'it is not suspended, but ' || i.state end
    from unnest(v_ids) u (id)
    left join onceflow.instance i on i.id = u.id
    order by u.id;
end $$;
revoke execute on function onceflow.resume_instances(uuid[]) from public;
