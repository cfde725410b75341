-- resume_instances(ids) -> (instance_id, outcome, detail)
-- Lifts an operator's suspension and releases what became READY under it. Where a dead letter is open,
-- the instance stays suspended by that. outcome: done | refused (detail says why) | unknown.
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
begin
    -- An open dead letter takes the suspension over; lift_suspensions() looks for one.
    update onceflow.instance i set suspended_by = 'dead_letter'
    where i.id = any (v_held) and i.suspended_by = 'operator';
    perform onceflow.finish_transition(v_ids, onceflow.lift_suspensions(v_held));
    return query
    select u.id, case when i.id is null then 'unknown'
            when i.id = any (v_held) and i.suspended_at is null then 'done' else 'refused' end,
        case when i.id is null then 'there is no such instance'
            when i.suspended_at is not null
                then 'it waits for its open dead letter: redrive, skip or discard that'
            when i.id = any (v_held) then 'it is ' || i.state
            else 'it is not suspended, but ' || i.state end
    from unnest(v_ids) u (id)
    left join onceflow.instance i on i.id = u.id
    order by u.id;
end $$;
revoke execute on function onceflow.resume_instances(uuid[]) from public;
