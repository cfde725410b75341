-- release_held(sorted ids, keys, now) -> change[]   (internal)
-- Of tasks of locked instances those whose queue has been resumed are QUEUED; so are
-- those that wait for a worker with their handler, or with their secrets, and whose pause is over: where one
-- lives (that tells it has the secrets, or tells of none) they are QUEUED, on a way that leads to any of the queue's workers (record_changes); where none does they
-- wait on, up to 30 s more, without a message that could only come back. In an instance suspended meanwhile they wait for that.
create or replace function onceflow.release_held(
    p_ids uuid[], p_keys onceflow.task_key[], p_now timestamptz)
returns onceflow.change[]
language plpgsql volatile as $$
declare
    v_found onceflow.task_key[];
begin
    if cardinality(p_keys) = 0 then
        return '{}';
    end if;
    with due as (
        select k.instance_id, k.step, k.scope, k.visit,
            onceflow.may_run(i.state, i.suspended_at, s.kind) as runs,
            t.held_by, case t.held_by
                when 'pause' then not exists (
                    select from onceflow.queue q where q.name = t.queue and q.paused_at is not null)
                else exists (select from onceflow.worker w
                    where w.state = 'live' and w.lease_until > clock_timestamp()
                        and t.queue = any (w.queues) and s.handler = any (w.tasks)
                        and (t.held_by = 'handler' or jsonb_typeof(w.stats -> 'secrets') is distinct from 'array'
                            or w.stats -> 'secrets' @> (t.error -> 'missing_secrets'))) end as found
        from unnest(p_keys) k
        cross join lateral (
            select t.queue, t.held_by, t.error from onceflow.task t
            where t.instance_id = k.instance_id and t.step = k.step and t.scope = k.scope
                and t.visit = k.visit and t.instance_id between p_ids[1] and p_ids[cardinality(p_ids)]
                and (t.held_by = 'pause' or t.held_by in ('handler', 'secret') and t.due_at <= p_now) offset 0) t
        cross join lateral (
            select i.version_id, i.state, case when i.suspended_by = 'operator' then i.suspended_at end as suspended_at
            from onceflow.instance i
            where i.id = k.instance_id and i.id between p_ids[1] and p_ids[cardinality(p_ids)] offset 0) i
        cross join lateral (
            select s.kind, s.handler from onceflow.step s
            where s.version_id = i.version_id and s.step = k.step offset 0) s
        offset 0
    ), waits_on as (
        update onceflow.task t
        -- As long again as it has waited, so that the next look is soon where the worker comes soon.
        set due_at = case when d.runs then p_now + least(interval '30 seconds',
                greatest(interval '250 milliseconds', p_now - t.changed_at)) end,
            held_by = case when d.runs then d.held_by else 'operator' end
        from due d
        where t.instance_id = d.instance_id and t.step = d.step and t.scope = d.scope
            and t.visit = d.visit and t.instance_id >= p_ids[1]
            and t.state = 'READY' and not (d.runs and (d.found or d.held_by = 'pause'))
    )
    select coalesce(array_agg(row(d.instance_id, d.step, d.scope, d.visit)::onceflow.task_key
        order by d.instance_id, d.step, d.scope, d.visit), '{}')
    into v_found
    from due d
    where d.runs and d.found;
    return onceflow.queue_tasks(p_ids, v_found, 'READY');
end $$;
revoke execute on function onceflow.release_held(uuid[], onceflow.task_key[], timestamptz) from public;
