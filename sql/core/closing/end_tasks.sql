-- end_tasks(sorted ids, keys, failed, ways, failed as, token) -> change[]   (internal)
-- Ends open tasks of locked instances whose scopes close: those that have failed as p_failed_as says, the blocks around
-- them as FAILED, dead letters that were open as records, all else as CANCELLED. What runs is awaited, and so are children, which are told to end (cancel_children), but for
-- what this very call has handed off under p_token, of which nobody has been told yet. p_keys are in order.
create or replace function onceflow.end_tasks(
    p_ids uuid[], p_keys onceflow.task_key[], p_failed onceflow.task_key[], p_ways onceflow.failed_way[],
    p_failed_as text, p_token uuid)
returns onceflow.change[]
language plpgsql volatile as $$
declare
    v_now timestamptz := onceflow.now();
    v_changes onceflow.change[];
    v_waits onceflow.task_key[];
    v_children onceflow.task_key[];
begin
    perform onceflow.lock_queued(p_keys);
    with found as (
        select k.*, i.seq + 1 as seq, t.state as was, w.error,
            -- Nothing else that is WAITING and has an input but no fence has an attempt.
            t.state = 'WAITING' and t.attempt > 0 and t.fence is null and t.input is not null as has_child, case
            when row(k.instance_id, k.step, k.scope, k.visit)::onceflow.task_key = any (p_failed) then p_failed_as
            when w.error is not null then 'FAILED'
            when t.state = 'DEAD_LETTER' then 'DEAD_LETTER' else 'CANCELLED' end as becomes
        from unnest(p_keys) k
        cross join lateral (
            select i.seq from onceflow.instance i
            where i.id = k.instance_id and i.id between p_ids[1] and p_ids[cardinality(p_ids)] offset 0) i
        cross join lateral (
            select t.state, t.fence, t.attempt, t.input from onceflow.task t
            where t.instance_id = k.instance_id and t.step = k.step and t.scope = k.scope and t.visit = k.visit
                and t.instance_id between p_ids[1] and p_ids[cardinality(p_ids)] offset 0) t
        left join lateral (
            select p.error from unnest(p_ways) p
            where p.instance_id = k.instance_id and p.parent = k.scope and p.block = k.step and p.visit = k.visit
            limit 1) w on true
        where t.state <> 'RUNNING' or t.fence = p_token
        offset 0
    ), ended as (
        update onceflow.task t
        set state = f.becomes, seq = f.seq, error = coalesce(t.error, f.error),
            attempt = t.attempt - (f.was = 'RUNNING')::int,
            queued_xid = null, due_at = null, held_by = null, worker_id = null, call = null, changed_at = v_now,
            -- Of one that is deferred nobody knows what comes of it, and who answers it comes too late.
            unknown = t.unknown or (f.was = 'WAITING' and t.fence is not null),
            fence = case when f.was not in ('WAITING', 'RUNNING') then t.fence end
        from found f
        where t.instance_id = f.instance_id and t.step = f.step and t.scope = f.scope
            and t.visit = f.visit and t.instance_id >= p_ids[1] and t.seq is null and t.state = f.was and not f.has_child
        returning t.instance_id, t.step, t.scope, t.visit, t.attempt, f.was, t.state, t.queue, t.error,
            f.was = 'WAITING' and t.fence is null and t.input is not null as waited
    )
    select coalesce(array_agg(onceflow.task_change(e.instance_id, e.step, e.scope, e.visit, e.attempt,
        e.was, e.state, e.queue, p_error => e.error)), '{}'),
        array_agg(row(e.instance_id, e.step, e.scope, e.visit)::onceflow.task_key) filter (where e.waited),
        (select array_agg(row(f.instance_id, f.step, f.scope, f.visit)::onceflow.task_key) from found f where f.has_child)
    into v_changes, v_waits, v_children
    from ended e;
    if v_waits is not null then
        perform onceflow.forget_waits(p_ids, v_waits);
    end if;
    if v_children is not null then
        perform onceflow.cancel_children(p_ids, v_children);
    end if;
    return v_changes;
end $$;
revoke execute on function onceflow.end_tasks(
    uuid[], onceflow.task_key[], onceflow.task_key[], onceflow.failed_way[], text, uuid) from public;
