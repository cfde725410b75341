-- record_changes(sorted ids, changes) -> void   (internal)
-- The end of every transition, and the one place that writes the task log, the outbox and the
-- instance's counters: what became QUEUED gets a message, what became a dead letter an event.
-- An instance of which nothing is open any more moves on: RUNNING succeeds here, with its output;
-- the others, and one whose output fails, go through settle_instances().
create or replace function onceflow.record_changes(p_ids uuid[], p_changes onceflow.change[])
returns void
language plpgsql volatile as $$
declare
    v_now timestamptz := onceflow.now();
    v_drained uuid[];
    v_outputs onceflow.evaluated_output[] := '{}';
    v_changes onceflow.change[] := p_changes;
    v_queues text[];
begin
    if cardinality(p_changes) = 0 then
        return;
    end if;
    v_drained := array(
        select i.id
        from (
            select c.instance_id, sum(c.opened) as opened from unnest(p_changes) c
            -- Where a task has ended that ran, and as many have come due, something is open.
            group by c.instance_id
            having sum(c.opened) < case when bool_or(c.was = 'RUNNING' and c.opened < 0) then 0 else 1 end) d
        cross join lateral (
            select i.id from onceflow.instance i
            where i.id = d.instance_id and i.id between p_ids[1] and p_ids[cardinality(p_ids)]
                and i.open_tasks + d.opened = 0 and i.ended_at is null offset 0) i
        order by i.id);
    if cardinality(v_drained) > 0 then
        v_outputs := onceflow.instance_outputs(v_drained);
        v_changes := v_changes || array(
            select onceflow.instance_change(o.instance_id, 'RUNNING', 'SUCCEEDED')
            from unnest(v_outputs) o where o.error is null);
    end if;

    with logged as (
        insert into onceflow.task_log (
            instance_id, seq, n, step, scope, visit, attempt, state, worker_id, error, at)
        select c.instance_id,
            coalesce(c.seq, (
                select i.seq + 1 from onceflow.instance i
                where i.id = c.instance_id and i.id between p_ids[1] and p_ids[cardinality(p_ids)])),
            row_number() over (partition by c.instance_id order by c.n),
            c.step, c.scope, c.visit, c.attempt, c.state, c.worker_id, c.error, v_now
        from unnest(v_changes) with ordinality c (instance_id, step, scope, visit, attempt,
            was, state, opened, worker_id, queue, error, seq, n)
    ), sent as (
        insert into onceflow.outbox (kind, topic, key, value, queued_xid, made_at)
        select case c.state when 'QUEUED' then 'task' else 'dead_letter' end,
            case c.state when 'QUEUED' then c.queue else 'dead-letters' end,
            c.instance_id::text,
            (jsonb_build_object('instance', c.instance_id,
                'task', onceflow.task_name(c.step, c.scope, c.visit))
                || case c.state when 'QUEUED' then '{}' else
                    jsonb_build_object('attempts', c.attempt, 'error', c.error - 'detail') end)::text,
            pg_current_xact_id(), v_now
        from unnest(v_changes) c
        where c.state = 'QUEUED' or c.state = 'DEAD_LETTER' and c.was is distinct from 'DEAD_LETTER'
            -- Asked only where there is a dead letter.
            and (select d.transport from onceflow.deployment d) <> 'postgres'
    )
    update onceflow.instance i
    set seq = i.seq + 1,
        open_tasks = i.open_tasks + d.opened,
        state = case when d.done then 'SUCCEEDED' else i.state end,
        output = d.output,
        ended_at = case when d.done then v_now else i.ended_at end,
        deadline_at = case when not d.done then i.deadline_at end,
        suspended_at = case when not d.done then i.suspended_at end,
        suspended_by = case when not d.done then i.suspended_by end
    from (
        select c.instance_id, sum(c.opened) as opened, bool_or(c.done) as done,
            (array_agg(c.output) filter (where c.done))[1] as output
        from (
            select c.instance_id, c.opened, false as done, null::jsonb as output
            from unnest(p_changes) c
            union all
            select o.instance_id, 0, true, o.value from unnest(v_outputs) o where o.error is null) c
        group by c.instance_id) d
    where i.id = d.instance_id and i.id >= p_ids[1];

    v_queues := array(select distinct c.queue from unnest(v_changes) c where c.state = 'QUEUED');
    if cardinality(v_queues) > 0 then
        perform onceflow.wake_sleepers(v_queues);
    end if;
    if cardinality(v_drained) = 0 then
        return;
    end if;
    if exists (select from unnest(v_outputs) o where o.error is not null) then
        perform onceflow.record_changes(p_ids, onceflow.close_instances(
            array_agg(o.instance_id order by o.instance_id),
            array_agg(case v.on_failure when 'fail' then 'FAILED' else 'COMPENSATED' end
                order by o.instance_id),
            array_agg(o.error order by o.instance_id)))
        from unnest(v_outputs) o
        join onceflow.instance i on i.id = o.instance_id and i.id >= p_ids[1]
        join onceflow.workflow_version v on v.id = i.version_id
        where o.error is not null;
    end if;
    v_drained := array(
        select i.id from onceflow.instance i
        where i.id = any (v_drained) and i.id >= p_ids[1]
            and i.state in ('CLOSING', 'COMPENSATING') and i.open_tasks = 0
        order by i.id);
    if cardinality(v_drained) > 0 then
        perform onceflow.record_changes(v_drained, onceflow.settle_instances(v_drained));
    end if;
end $$;
revoke execute on function onceflow.record_changes(uuid[], onceflow.change[]) from public;
