-- remind_people(limit, skip) -> number of forms
-- A job of the clock: tells of open forms whose `remind` has come round, the oldest first. p_limit, p_skip and others at
-- work: as in fire_timers().
-- Errors: WF004.
create or replace function onceflow.remind_people(p_limit int, p_skip int default 0) returns int
language plpgsql volatile security definer set search_path = pg_catalog, pg_temp
set plan_cache_mode = 'force_generic_plan' set jit = 'off' set max_parallel_workers_per_gather = 0
set enable_seqscan = 'off' set enable_hashjoin = 'off' set enable_mergejoin = 'off'
set enable_material = 'off' set join_collapse_limit = 1 set cpu_tuple_cost = 1000 as $$
declare
    v_now constant timestamptz := onceflow.now();
    v_ids uuid[];
    v_keys onceflow.task_key[];
begin
    perform onceflow.require_read_committed();
    v_ids := array(
        select c.instance_id
        from (
            select w.instance_id, w.remind_at from onceflow.wait w where w.remind_at <= v_now
            order by w.remind_at limit p_limit + p_skip) c
        order by c.remind_at, c.instance_id
        offset p_skip limit p_limit);
    if v_ids = '{}' or not onceflow.take_job('remind_people') then
        return 0;
    end if;
    v_ids := onceflow.lock_instances(v_ids, false);
    with reminded as (
        update onceflow.wait w
        -- The next time that lies ahead, however long the clock was away.
        set remind_at = w.remind_at + s.remind * (1 + floor(extract(epoch from v_now - w.remind_at)
            / extract(epoch from s.remind)))
        from onceflow.instance i, lateral (
            select s.step, make_interval(secs => (s.spec #>> '{form,remind}')::float8) as remind from onceflow.step s
            where s.version_id = i.version_id and s.kind = 'approve') s
        where i.id = any (v_ids) and w.instance_id = i.id and s.step = w.step and w.remind_at <= v_now
            and w.instance_id >= v_ids[1]
        returning w.instance_id, w.step, w.scope, w.visit
    )
    select coalesce(array_agg(row(r.instance_id, r.step, r.scope, r.visit)::onceflow.task_key), '{}')
    into v_keys
    from reminded r;
    perform onceflow.tell_forms('form.reminder', v_keys);
    return cardinality(v_keys);
end $$;
revoke execute on function onceflow.remind_people(int, int) from public;
