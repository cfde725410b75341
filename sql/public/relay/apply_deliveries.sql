-- apply_deliveries(limit, skip) -> number of deliveries
-- A job of the clock: applies what was sent to instances and whoever sent it has not applied himself; the oldest first. p_limit, p_skip
-- and others at work: as in fire_timers().
-- Errors: WF004.
-- Also for: client, operator.
create or replace function onceflow.apply_deliveries(p_limit int, p_skip int default 0) returns int
language plpgsql volatile security definer set search_path = pg_catalog, pg_temp
set plan_cache_mode = 'force_generic_plan' set jit = 'off' set max_parallel_workers_per_gather = 0
set enable_seqscan = 'off' set enable_hashjoin = 'off' set enable_mergejoin = 'off'
set enable_material = 'off' set join_collapse_limit = 1 set cpu_tuple_cost = 1000 as $$
declare
    v_ids uuid[];
    v_count int;
    v_started int;
    v_kinds text[];
begin
    perform onceflow.require_read_committed();
    v_ids := array(
        select c.instance_id
        from (
            select d.instance_id, min(d.id) as id
            from (
                select d.instance_id, d.id from onceflow.delivery d where nullif(d.state, 'sent') is null
                -- What is passed over are instances, however much was sent to them.
                order by d.id limit case p_skip when 0 then p_limit end) d
            group by d.instance_id) c
        order by c.id
        offset p_skip limit p_limit);
    if v_ids = '{}' or not onceflow.take_job('apply_deliveries') then
        return 0;
    end if;
    v_ids := array(select u from unnest(v_ids) u order by u);
    v_started := onceflow.start_children(v_ids);
    v_ids := onceflow.lock_instances(v_ids, false);
    select count(*), array_agg(distinct d.kind) into v_count, v_kinds from onceflow.delivery d
    where d.instance_id = any (v_ids) and d.instance_id >= v_ids[1] and d.state = 'sent';
    if v_kinds && '{signal,event,form}' then
        perform onceflow.finish_transition(v_ids, onceflow.apply_sent(v_ids));
    end if;
    -- What goes down and up a family: each a transition of its own.
    if 'end' = any (v_kinds) then
        perform onceflow.finish_transition(v_ids, onceflow.apply_ends(v_ids));
    end if;
    if 'cancel' = any (v_kinds) then
        perform onceflow.close_children(v_ids);
    end if;
    if 'undo' = any (v_kinds) then
        perform onceflow.reopen_children(v_ids);
    end if;
    return v_started + v_count;
end $$;
revoke execute on function onceflow.apply_deliveries(int, int) from public;
