-- close_instances(sorted ids, closing_as, errors, lifts) -> change[]   (internal)
-- Begins the end of locked RUNNING instances: CLOSING cancels what is WAITING, READY, QUEUED or
-- RETRYING and makes records of open dead letters; what is RUNNING is awaited. When nothing is open
-- any more, settle_instances() takes it from there: an instance closing as COMPENSATED or CANCELLED is
-- compensated first, one closing as FAILED is not. An operator's suspension outlives it, so that what is undone
-- waits for his resume, unless p_lifts: he has cancelled it himself, or its deadline has passed.
create or replace function onceflow.close_instances(
    p_ids uuid[], p_closing_as text[], p_errors jsonb[], p_lifts boolean default false)
returns onceflow.change[]
language plpgsql volatile as $$
declare
    v_now timestamptz := onceflow.now();
    v_closed onceflow.change[];
    v_ids uuid[];
    v_ended onceflow.change[];
begin
    if cardinality(p_ids) = 0 then
        return '{}';
    end if;
    with closed as (
        update onceflow.instance i
        set state = 'CLOSING', closing_as = k.closing_as, compensate = k.closing_as <> 'FAILED',
            error = k.error, deadline_at = null,
            suspended_at = case when i.suspended_by = 'operator' and not p_lifts then i.suspended_at end,
            suspended_by = case when i.suspended_by = 'operator' and not p_lifts then i.suspended_by end
        from unnest(p_ids, p_closing_as, p_errors) k (id, closing_as, error)
        where i.id = k.id and i.id >= p_ids[1]
            and i.state = 'RUNNING'
        returning i.id, i.error
    )
    select coalesce(array_agg(onceflow.instance_change(c.id, 'RUNNING', 'CLOSING', c.error)), '{}'),
        coalesce(array_agg(c.id), '{}')
    into v_closed, v_ids
    from closed c;

    perform onceflow.lock_open_tasks(v_ids);

    with open as (
        select t.instance_id, t.step, t.scope, t.visit, t.state as was, i.seq + 1 as seq
        from onceflow.task t
        cross join lateral (
            select i.seq from onceflow.instance i
            where i.id = t.instance_id and i.id between p_ids[1] and p_ids[cardinality(p_ids)] offset 0) i
        where t.instance_id = any (v_ids) and t.instance_id >= p_ids[1]
            and t.seq is null and t.state <> 'RUNNING'
        offset 0
    ), ended as (
        update onceflow.task t
        set state = case t.state when 'DEAD_LETTER' then 'DEAD_LETTER' else 'CANCELLED' end,
            seq = o.seq, queued_xid = null, due_at = null, held_by = null, changed_at = v_now,
            -- Of one that is deferred nobody knows what comes of it, and who answers it comes too late.
            unknown = t.unknown or (o.was = 'WAITING' and t.fence is not null),
            fence = case when o.was <> 'WAITING' then t.fence end
        from open o
        where t.instance_id = o.instance_id and t.step = o.step and t.scope = o.scope
            and t.visit = o.visit and t.instance_id >= p_ids[1]
            and t.seq is null and t.state = o.was
        returning t.instance_id, t.step, t.scope, t.visit, t.attempt, o.was, t.state, t.queue, t.error
    )
    select coalesce(array_agg(onceflow.task_change(e.instance_id, e.step, e.scope, e.visit, e.attempt,
        e.was, e.state, e.queue, p_error => e.error)), '{}')
    into v_ended
    from ended e;
    return v_closed || v_ended;
end $$;
revoke execute on function onceflow.close_instances(uuid[], text[], jsonb[], boolean) from public;
