-- begin_instances(limit, skip) -> number of steps
-- A job of the clock: makes first steps due whose instances' start has come, and goes on with transitions that were cut. A
-- job of its own, for their expressions are evaluated now, and many slow ones must hold up no timer. p_limit, p_skip and others at work: as in fire_timers().
-- Errors: WF004.
create or replace function onceflow.begin_instances(p_limit int, p_skip int default 0) returns int
language plpgsql volatile security definer set search_path = pg_catalog, pg_temp
set plan_cache_mode = 'force_generic_plan' set jit = 'off' set max_parallel_workers_per_gather = 0
set enable_seqscan = 'off' set enable_hashjoin = 'off' set enable_mergejoin = 'off'
set enable_material = 'off' set join_collapse_limit = 1 set cpu_tuple_cost = 1000 as $$
declare
    v_now timestamptz := onceflow.now();
    v_due onceflow.task_key[];
    v_cut uuid[];
    v_ids uuid[];
begin
    perform onceflow.require_read_committed();
    v_due := array(
        select row(c.instance_id, c.step, c.scope, c.visit)::onceflow.task_key
        from (
            select t.instance_id, t.step, t.scope, t.visit, t.due_at
            from onceflow.task t
            -- What nobody has claimed or held, has no input, and yet comes due is such a step.
            where t.due_at <= v_now and t.attempt = 0 and t.held_by is null and t.input is null
            order by t.due_at limit p_limit + p_skip) c
        order by c.due_at, c.instance_id, c.step
        offset p_skip limit p_limit);
    v_cut := array(
        select i.id from onceflow.instance i where i.resume_at <= v_now order by i.resume_at, i.id limit p_limit);
    if v_due = '{}' and v_cut = '{}' or not onceflow.take_job('begin_instances') then
        return 0;
    end if;
    if cardinality(v_cut) > 0 then
        perform onceflow.await_instance(v_now - interval '1 second');
    end if;
    v_ids := onceflow.lock_instances(v_cut || array(select d.instance_id from unnest(v_due) d), false);
    v_due := array(select d::onceflow.task_key from unnest(v_due) d where d.instance_id = any (v_ids));
    perform onceflow.finish_transition(v_ids, onceflow.begin_steps(v_ids, v_due, v_now), array(
        select c.id from unnest(v_cut) c (id) where c.id = any (v_ids)));
    return cardinality(v_due) + cardinality(v_cut);
end $$;
revoke execute on function onceflow.begin_instances(int, int) from public;
