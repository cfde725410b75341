-- settle_instances(sorted ids) -> change[]   (internal)
-- The next state of CLOSING and COMPENSATING instances of which nothing is open any more.
-- CLOSING with something to undo becomes COMPENSATING: every step that succeeded, and every step with
-- an attempt whose outcome is unknown, gets the row of its compensation, once, in WAITING; the first
-- of them is made due. Otherwise the instance ends as what it was closing as.
create or replace function onceflow.settle_instances(p_ids uuid[]) returns onceflow.change[]
language plpgsql volatile as $$
declare
    v_now timestamptz := onceflow.now();
    v_waiting onceflow.change[];
    v_moved onceflow.change[];
begin
    with undone as (
        insert into onceflow.task (
            instance_id, step, scope, visit, state, undoes_seq, changed_at)
        select t.instance_id, e.to_step, t.scope, t.visit, 'WAITING', t.seq, v_now
        from onceflow.instance i
        cross join lateral (
            select t.* from onceflow.task t
            where t.instance_id = i.id and t.instance_id between p_ids[1] and p_ids[cardinality(p_ids)]
                and (t.state = 'SUCCEEDED' or t.unknown) offset 0) t
        cross join lateral (
            select e.to_step from onceflow.edge e
            where e.version_id = i.version_id and e.from_step = t.step and e.kind = 'undo' offset 0) e
        where i.id = any (p_ids) and i.id >= p_ids[1] and i.state = 'CLOSING' and i.compensate
        returning instance_id, step, scope, visit
    )
    select coalesce(array_agg(onceflow.task_change(u.instance_id, u.step, u.scope, u.visit, 0,
        null, 'WAITING')), '{}')
    into v_waiting
    from undone u;

    with moved as (
        update onceflow.instance i
        set state = k.state,
            ended_at = case when k.state <> 'COMPENSATING' then v_now end,
            suspended_at = case when k.state = 'COMPENSATING' then i.suspended_at end,
            suspended_by = case when k.state = 'COMPENSATING' then i.suspended_by end
        from (
            select i.id, i.state as was, case
                when i.state = 'CLOSING' and exists (
                    select from unnest(v_waiting) w where w.instance_id = i.id)
                then 'COMPENSATING' else i.closing_as end as state
            from onceflow.instance i
            where i.id = any (p_ids) and i.id >= p_ids[1]) k
        where i.id = k.id and i.id >= p_ids[1]
            and i.state = k.was and i.state in ('CLOSING', 'COMPENSATING')
        returning i.id, k.was, i.state
    )
    select coalesce(array_agg(onceflow.instance_change(m.id, m.was, m.state)), '{}')
    into v_moved
    from moved m;

    return v_waiting || v_moved
        || (onceflow.advance_instances(p_ids, '{}', onceflow.find_tasks(
            p_ids, onceflow.next_compensations(p_ids, p_ids)))).o_changes;
end $$;
revoke execute on function onceflow.settle_instances(uuid[]) from public;
