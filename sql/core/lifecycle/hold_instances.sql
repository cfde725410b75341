-- hold_instances(sorted ids) -> change[]   (internal)
-- An operator suspends locked instances: what is QUEUED goes back to READY, so an instance that is held never has
-- a message that a claim would have to refuse. That a dead letter is open is told again when he resumes it.
create or replace function onceflow.hold_instances(p_ids uuid[])
returns onceflow.change[]
language plpgsql volatile as $$
declare
    v_now timestamptz := onceflow.now();
    v_ids uuid[];
    v_changes onceflow.change[];
begin
    if cardinality(p_ids) = 0 then
        return '{}';
    end if;
    update onceflow.instance i
    set suspended_by = 'operator', suspended_at = v_now
    where i.id = any (p_ids) and i.id >= p_ids[1]
        and i.state in ('RUNNING', 'COMPENSATING') and i.suspended_by is distinct from 'operator';

    v_ids := array(
        select i.id from onceflow.instance i
        where i.id = any (p_ids) and i.id >= p_ids[1] and i.suspended_by = 'operator' order by i.id);
    perform onceflow.lock_queued(array(
        select row(t.instance_id, t.step, t.scope, t.visit)::onceflow.task_key from onceflow.task t
        where t.instance_id = any (v_ids) and t.instance_id >= p_ids[1] and t.state = 'QUEUED'));

    with held as (
        update onceflow.task t
        set state = 'READY', held_by = 'operator', queued_xid = null, changed_at = v_now
        where t.instance_id = any (v_ids) and t.instance_id >= p_ids[1]
            and t.state = 'QUEUED'
        returning t.instance_id, t.step, t.scope, t.visit, t.attempt, t.queue
    )
    select coalesce(array_agg(onceflow.task_change(h.instance_id, h.step, h.scope, h.visit, h.attempt,
        'QUEUED', 'READY', h.queue)), '{}')
    into v_changes
    from held h;
    return v_changes;
end $$;
revoke execute on function onceflow.hold_instances(uuid[]) from public;
