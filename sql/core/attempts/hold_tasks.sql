-- hold_tasks(worker, sorted keys, paused queues) -> the keys held   (internal)
-- For a claim: of rows that it has locked, those still QUEUED whose handler the worker lacks wait, READY, for a
-- worker that has it; those whose queue is paused until it is resumed, which locks the queue's row as this does: one
-- that was resumed meanwhile is told that something waits. Like a claim this takes no lock of an instance and no number: a close or a suspension
-- locks the instance and then these rows, and finds them open either way.
create or replace function onceflow.hold_tasks(
    p_worker_id uuid, p_keys onceflow.task_key[], p_paused text[])
returns onceflow.task_key[]
language plpgsql volatile as $$
declare
    v_lowest uuid := (p_keys[1]).instance_id;
    v_highest uuid := (p_keys[cardinality(p_keys)]).instance_id;
    v_now timestamptz := onceflow.now();
    v_held onceflow.task_key[];
begin
    with held as (
        update onceflow.task t
        set state = 'READY', held_by = case when k.lacks then 'handler' else 'pause' end, queued_xid = null,
            changed_at = v_now, due_at = case when k.lacks
                then v_now + onceflow.hold_pause(t.instance_id, t.step, t.scope, t.visit) end
        from (
            select k.*, s.handler <> all (w.tasks) as lacks from unnest(p_keys) k
            cross join lateral (
                select i.version_id from onceflow.instance i
                where i.id = k.instance_id and i.id between v_lowest and v_highest offset 0) i
            cross join lateral (
                select s.handler, s.queue from onceflow.step s
                where s.version_id = i.version_id and s.step = k.step offset 0) s
            cross join lateral (
                select w.tasks from onceflow.worker w where w.id = p_worker_id offset 0) w
            where s.handler <> all (w.tasks) or s.queue = any (p_paused)
            offset 0) k
        where t.instance_id = k.instance_id and t.step = k.step and t.scope = k.scope
            and t.visit = k.visit and t.instance_id >= v_lowest and t.state = 'QUEUED'
        returning t.instance_id, t.step, t.scope, t.visit, t.attempt
    ), logged as (
        insert into onceflow.task_log (instance_id, step, scope, visit, attempt, state, at)
        select h.instance_id, h.step, h.scope, h.visit, h.attempt, 'READY', v_now from held h
    )
    select coalesce(array_agg(row(h.instance_id, h.step, h.scope, h.visit)::onceflow.task_key), '{}')
    into v_held
    from held h;
    if cardinality(v_held) > 0 and cardinality(p_paused) > 0 then
        perform from onceflow.queue q where q.name = any (p_paused) order by q.name for no key update;
        update onceflow.queue q set releasing = true
        where q.name = any (p_paused) and q.paused_at is null;
    end if;
    return v_held;
end $$;
revoke execute on function onceflow.hold_tasks(uuid, onceflow.task_key[], text[]) from public;
