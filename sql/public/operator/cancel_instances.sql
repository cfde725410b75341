-- cancel_instances(ids) -> (instance_id, outcome, detail)
-- Begins the end of RUNNING instances, suspended or not: nothing more of them is started, what runs is
-- told to stop and awaited, what was done is compensated, and they end CANCELLED.
-- outcome: done | refused (detail says why) | unknown.
-- Errors: WF004.
create or replace function onceflow.cancel_instances(p_ids uuid[])
returns table (instance_id uuid, outcome text, detail text)
language plpgsql volatile security definer set search_path = pg_catalog, pg_temp
set plan_cache_mode = 'force_generic_plan' set jit = 'off' set max_parallel_workers_per_gather = 0
set enable_seqscan = 'off' set enable_hashjoin = 'off' set enable_mergejoin = 'off'
set enable_material = 'off' set join_collapse_limit = 1 set cpu_tuple_cost = 1000 as $$
#variable_conflict use_column
declare
    v_ids uuid[] := onceflow.lock_instances(p_ids);
    v_running uuid[] := array(
        select i.id from onceflow.instance i
        where i.id = any (v_ids) and i.id >= v_ids[1] and i.state = 'RUNNING' order by i.id);
begin
    perform onceflow.finish_transition(v_ids, (onceflow.advance_instances(v_ids, onceflow.close_instances(v_running,
        array_fill('CANCELLED'::text, array[cardinality(v_running)]),
        array_fill(null::jsonb, array[cardinality(v_running)]), true), '{}', '{}')).o_changes);
    perform onceflow.record_audit('cancel_instances', 'instance', v_running::text[]);
    return query
    select u.id, case when i.id is null then 'unknown'
            when i.id = any (v_running) then 'done' else 'refused' end,
        case when i.id is null then 'there is no such instance'
            when i.id = any (v_running) then 'it is ' || i.state
            when i.ended_at is not null then 'it has ended, as ' || i.state
            else 'it is ' || i.state || ' already, to end as ' || i.closing_as
                || case i.suspended_by when 'operator' then '; resume it'
                    when 'dead_letter' then '; redrive, skip or discard its dead letter' else '' end
            end
    from unnest(v_ids) u (id)
    left join onceflow.instance i on i.id = u.id
    order by u.id;
end $$;
revoke execute on function onceflow.cancel_instances(uuid[]) from public;
