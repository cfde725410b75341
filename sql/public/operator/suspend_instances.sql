-- suspend_instances(ids) -> (instance_id, outcome, detail)
-- Holds instances until resume_instances(): what runs is finished and its answer recorded, nothing
-- else is started, though steps that need no worker go on, timers fire, and a failure is handled as always.
-- outcome: done | refused (detail says why) | unknown.
-- Errors: WF004.
create or replace function onceflow.suspend_instances(p_ids uuid[])
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
        where i.id = any (v_ids) and i.id >= v_ids[1]
            and i.state in ('RUNNING', 'COMPENSATING') and i.suspended_by is distinct from 'operator'
        order by i.id);
begin
    perform onceflow.finish_transition(v_ids, onceflow.hold_instances(v_ids));
    perform onceflow.record_audit('suspend_instances', 'instance', v_held::text[]);
    return query
    select u.id, case when i.id is null then 'unknown'
            when i.suspended_by = 'operator' and i.state <> 'CLOSING' then 'done' else 'refused' end,
        case when i.id is null then 'there is no such instance'
            when i.state = 'CLOSING' then 'it is CLOSING: nothing more is started until what runs has ended'
                || case i.suspended_by when 'operator' then ', and what is to be undone waits for its resume'
                    else '' end
            when i.suspended_by = 'operator' then 'suspended since ' || onceflow.time_text(i.suspended_at)
            else 'it has ended, as ' || i.state end
    from unnest(v_ids) u (id)
    left join onceflow.instance i on i.id = u.id
    order by u.id;
end $$;
revoke execute on function onceflow.suspend_instances(uuid[]) from public;
