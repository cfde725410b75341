-- settle_instances(sorted ids) -> change[]   (internal)
-- The next state of CLOSING and COMPENSATING instances of which nothing is open any more.
-- CLOSING with something to undo becomes COMPENSATING: every step that succeeded, and every step with
-- an attempt whose outcome is unknown, gets the row of its compensation, once, in WAITING; the first
-- of them is made due. Otherwise the instance ends as what it was closing as. One that has failed and has a notice to give
-- (`on_failed`) gives it first, once: it ends when that has ended. One that is undone by its parent has not failed.
create or replace function onceflow.settle_instances(p_ids uuid[]) returns onceflow.change[]
language plpgsql volatile as $$
declare
    v_now timestamptz := onceflow.now();
    v_planned record;
    v_moved onceflow.change[];
    v_notices onceflow.task_key[];
begin
    v_planned := onceflow.plan_undo(p_ids, array(
        select row(i.id, 0)::onceflow.scope_key from onceflow.instance i
        where i.id = any (p_ids) and i.id >= p_ids[1] and i.state = 'CLOSING' and i.compensate order by i.id));

    v_notices := array(
        select row(i.id, s.step, 0, 0)::onceflow.task_key
        from onceflow.instance i
        join onceflow.step s on s.version_id = i.version_id and s.step = 'workflow.on_failed'
        where i.id = any (p_ids) and i.id >= p_ids[1] and i.state in ('CLOSING', 'COMPENSATING')
            and i.closing_as <> 'CANCELLED' and not exists (
                select from onceflow.child c where c.instance_id = i.id and c.answers like '%.compensate')
            and i.id <> all (array(select w.instance_id from unnest(v_planned.o_due) w))
            and not exists (
                select from onceflow.task t
                where t.instance_id = i.id and t.step = s.step and t.scope = 0 and t.visit = 0 and t.instance_id >= p_ids[1])
        order by i.id);

    with moved as (
        update onceflow.instance i
        set state = k.state, closing_as = case k.state when 'COMPENSATING' then i.closing_as else k.state end,
            ended_at = case when k.state <> 'COMPENSATING' then v_now end,
            suspended_at = case when k.state = 'COMPENSATING' then i.suspended_at end,
            suspended_by = case when k.state = 'COMPENSATING' then i.suspended_by end
        from (
            select i.id, i.state as was, case
                when i.state = 'CLOSING' and exists (
                    select from unnest(v_planned.o_due) w where w.instance_id = i.id)
                then 'COMPENSATING'
                -- A compensation was discarded: not all is undone.
                when exists (
                    select from onceflow.task t
                    where t.instance_id = i.id and t.instance_id >= p_ids[1]
                        and t.state = 'DEAD_LETTER' and t.undoes_seq is not null) then 'FAILED'
                else i.closing_as end as state
            from onceflow.instance i
            where i.id = any (p_ids) and i.id >= p_ids[1] and i.id <> all (array(select n.instance_id from unnest(v_notices) n))
            offset 0) k
        where i.id = k.id and i.id >= p_ids[1]
            and i.state = k.was and i.state in ('CLOSING', 'COMPENSATING')
        returning i.id, k.was, i.state
    )
    select coalesce(array_agg(onceflow.instance_change(m.id, m.was, m.state)), '{}')
    into v_moved
    from moved m;

    return (onceflow.advance_instances(p_ids, v_planned.o_changes || v_moved, '{}',
        v_planned.o_due || onceflow.find_tasks(p_ids, v_notices))).o_changes;
end $$;
revoke execute on function onceflow.settle_instances(uuid[]) from public;
