-- cancel_children(sorted ids, keys) -> void   (internal)
-- Tells the instances that tasks of locked instances wait for to end: these tasks are closed, or out of time, and go on
-- waiting for it. To be told twice changes nothing.
create or replace function onceflow.cancel_children(p_ids uuid[], p_keys onceflow.task_key[]) returns void
language plpgsql volatile as $$
declare
    v_now constant timestamptz := onceflow.now();
begin
    update onceflow.task t
    set due_at = null
    from unnest(p_keys) k
    where t.instance_id = k.instance_id and t.step = k.step and t.scope = k.scope and t.visit = k.visit
        and t.instance_id >= p_ids[1] and t.state = 'WAITING' and t.due_at is not null;
    insert into onceflow.delivery (instance_id, id, kind, state, made_at)
    select w.key::uuid, nextval('onceflow.delivery_id'), 'cancel', 'sent', v_now
    from unnest(p_keys) k
    cross join lateral (
        select w.key from onceflow.wait w
        where w.instance_id = k.instance_id and w.step = k.step and w.scope = k.scope and w.visit = k.visit
            and w.kind = 'child' and w.instance_id between p_ids[1] and p_ids[cardinality(p_ids)] offset 0) w;
    if found then
        perform onceflow.wake_sleepers('{*deliveries}');
    end if;
end $$;
revoke execute on function onceflow.cancel_children(uuid[], onceflow.task_key[]) from public;
