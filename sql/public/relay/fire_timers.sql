-- fire_timers(limit, skip, evaluating) -> (retried, timed_out)
-- A job of the clock: makes retries that are due QUEUED, queues what waited for queues that are resumed, looks
-- again for workers that have the handler of what waits for one, opens the next round or attempt of blocks, ends sleeps, and fails
-- attempts, blocks and waits past their timeout, and tasks past the time for their start or for all their attempts; the
-- oldest first, at most p_limit a call, the first p_skip passed over (so that one that cannot be handled does not stop the
-- rest). Where the two are p_limit together there is more to do at once. Instances that others hold are left for the next
-- time; of several that call it at once one works, and the others return. Without p_evaluating only what no expression
-- stands behind: retries, and what waits for a handler or was held; so that slow ones hold up none of it.
-- Errors: WF004.
create or replace function onceflow.fire_timers(
    p_limit int, p_skip int default 0, p_evaluating boolean default true)
returns table (retried int, timed_out int)
language plpgsql volatile security definer set search_path = pg_catalog, pg_temp
set plan_cache_mode = 'force_generic_plan' set jit = 'off' set max_parallel_workers_per_gather = 0
set enable_seqscan = 'off' set enable_hashjoin = 'off' set enable_mergejoin = 'off'
set enable_material = 'off' set join_collapse_limit = 1 set cpu_tuple_cost = 1000 as $$
declare
    v_now timestamptz := onceflow.now();
    v_due onceflow.task_key[];
    v_blocks onceflow.task_key[];
    v_ids uuid[];
    v_asked uuid[];
    v_sorted record;
    v_retried onceflow.change[];
    v_failed onceflow.change[];
    v_chains record;
begin
    perform onceflow.require_read_committed();
    v_due := array(
        select row(c.instance_id, c.step, c.scope, c.visit)::onceflow.task_key
        from (
            (select t.instance_id, t.step, t.scope, t.visit, t.due_at
            from onceflow.task t
            where t.due_at <= v_now and (t.attempt > 0 or t.held_by is not null or t.input is not null)
                and (p_evaluating or t.state in ('RETRYING', 'READY'))
            order by t.due_at limit p_limit + p_skip)
            union all
            (select t.instance_id, t.step, t.scope, t.visit,
                least(case when t.state in ('QUEUED', 'READY') then t.start_by end, t.end_by)
            from onceflow.task t
            where least(case when t.state in ('QUEUED', 'READY') then t.start_by end, t.end_by) <= v_now
                and (t.start_by is not null or t.end_by is not null) and t.seq is null and t.state <> 'DEAD_LETTER'
                and p_evaluating
            order by 5 limit p_limit + p_skip)) c
        group by c.instance_id, c.step, c.scope, c.visit
        order by min(c.due_at), c.instance_id, c.step
        offset p_skip limit p_limit);
    -- What is passed over is counted among timers alone.
    v_due := v_due || onceflow.released_tasks(case p_skip when 0 then p_limit - cardinality(v_due) else 0 end);
    v_blocks := array(
        select row(b.instance_id, b.step, b.scope, b.visit)::onceflow.task_key
        from onceflow.block b
        where b.due_at <= v_now and p_evaluating
        order by b.due_at limit case p_skip when 0 then p_limit - cardinality(v_due) else 0 end);
    if v_due = '{}' and v_blocks = '{}' or not onceflow.take_job('fire_timers') then
        return query select 0, 0;
        return;
    end if;
    v_asked := array(select distinct d.instance_id from unnest(v_due || v_blocks) d);
    v_ids := onceflow.lock_instances(v_asked, false);
    if cardinality(v_ids) < cardinality(v_asked) then
        v_due := array(select d::onceflow.task_key from unnest(v_due) d where d.instance_id = any (v_ids));
        v_blocks := array(select b::onceflow.task_key from unnest(v_blocks) b where b.instance_id = any (v_ids));
    end if;

    v_sorted := onceflow.sort_due(v_ids, v_due, v_now);
    v_failed := onceflow.time_out_tasks(v_ids, v_sorted.o_late, v_now);
    v_retried := onceflow.queue_tasks(v_ids, v_sorted.o_retrying, 'RETRYING');
    v_retried := v_retried || onceflow.release_held(v_ids, v_sorted.o_held, v_now);
    v_failed := v_failed || onceflow.time_out_blocks(v_ids, v_blocks, v_now);
    v_failed := v_failed || onceflow.fire_waits(v_ids, v_sorted.o_waits, v_sorted.o_waited_until);
    v_chains := onceflow.resume_chains(v_ids, v_blocks, v_now);
    v_failed := onceflow.fail_unanswered(v_ids, v_sorted.o_unanswered, v_now, v_failed || v_chains.o_changes, v_chains.o_opened);
    perform onceflow.finish_transition(v_ids, v_retried || v_failed);
    return query select cardinality(v_retried), cardinality(v_failed);
end $$;
revoke execute on function onceflow.fire_timers(int, int, boolean) from public;
