-- lift_suspensions(sorted ids) -> change[]   (internal)
-- Lifts from locked instances the suspension by dead letters, where none is open any more, and
-- releases what they held READY in those of the instances that are not suspended (any more).
create or replace function onceflow.lift_suspensions(p_ids uuid[]) returns onceflow.change[]
language plpgsql volatile as $$
begin
    update onceflow.instance i
    set suspended_at = null, suspended_by = null
    where i.id = any (p_ids) and i.id >= p_ids[1]
        and i.suspended_by = 'dead_letter'
        and not exists (
            select from onceflow.task t
            where t.instance_id = i.id and t.instance_id >= p_ids[1]
                and t.state = 'DEAD_LETTER' and t.seq is null);

    perform onceflow.lock_open_tasks(p_ids);

    return onceflow.queue_tasks(p_ids, array(
        select row(t.instance_id, t.step, t.scope, t.visit)::onceflow.task_key
        from onceflow.task t
        where t.instance_id = any (p_ids) and t.instance_id >= p_ids[1]
            and t.state = 'READY' and t.held_by = 'operator'
        order by t.instance_id, t.step, t.scope, t.visit), 'READY');
end $$;
revoke execute on function onceflow.lift_suspensions(uuid[]) from public;
