-- fail_lost_attempts(limit, skip) -> number of attempts
-- A job of the clock: fails attempts whose worker is not live. What is RUNNING without a live worker is found
-- anew each time, however it came about. p_limit, p_skip and others at work: as in fire_timers().
-- Errors: WF004.
create or replace function onceflow.fail_lost_attempts(p_limit int, p_skip int default 0) returns int
language plpgsql volatile security definer set search_path = pg_catalog, pg_temp
set plan_cache_mode = 'force_generic_plan' set jit = 'off' set max_parallel_workers_per_gather = 0
set enable_seqscan = 'off' set enable_hashjoin = 'off' set enable_mergejoin = 'off'
set enable_material = 'off' set join_collapse_limit = 1 set cpu_tuple_cost = 1000 as $$
declare
    v_lost onceflow.task_key[];
    v_ids uuid[];
    v_failed onceflow.change[];
begin
    perform onceflow.require_read_committed();
    v_lost := array(
        -- Who holds a RUNNING task, found by hops over the index: a row a worker, not a row a task.
        with recursive holder (id) as (
            (select t.worker_id from onceflow.task t
                where t.worker_id is not null order by t.worker_id limit 1)
            union all
            select (select t.worker_id from onceflow.task t
                where t.worker_id > h.id order by t.worker_id limit 1)
            from holder h where h.id is not null
        )
        select row(c.instance_id, c.step, c.scope, c.visit)::onceflow.task_key
        from (
            select t.instance_id, t.step, t.scope, t.visit, t.changed_at
            from holder h
            cross join lateral (
                select * from onceflow.task t where t.worker_id = h.id offset 0) t
            where h.id is not null and not exists (
                select from onceflow.worker w where w.id = h.id and w.state = 'live')
            limit p_limit + p_skip) c
        order by c.changed_at, c.instance_id, c.step
        offset p_skip limit p_limit);
    if v_lost = '{}' or not onceflow.take_job('fail_lost_attempts') then
        return 0;
    end if;
    v_ids := onceflow.lock_instances(array(select l.instance_id from unnest(v_lost) l), false);
    v_lost := array(select l::onceflow.task_key from unnest(v_lost) l where l.instance_id = any (v_ids));
    v_failed := onceflow.fail_unanswered(v_ids, v_lost, onceflow.now());
    perform onceflow.finish_transition(v_ids, v_failed);
    return cardinality(v_failed);
end $$;
revoke execute on function onceflow.fail_lost_attempts(int, int) from public;
