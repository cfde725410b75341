-- held_waits(sorted ids) -> placed_task[]   (internal)
-- The steps of locked instances that came due under an operator's hold, which is lifted, and that wait by themselves: they are
-- due again, with what their expressions have given. (Of all that is READY they alone have no queue.)
create or replace function onceflow.held_waits(p_ids uuid[]) returns onceflow.placed_task[]
language plpgsql volatile as $$
declare
    v_now constant timestamptz := onceflow.now();
    v_keys onceflow.task_key[];
    v_given jsonb[];
begin
    with due as (
        update onceflow.task t
        set state = 'WAITING', held_by = null, input = null, changed_at = v_now
        from (
            select t.instance_id, t.step, t.scope, t.visit, t.input from onceflow.task t
            where t.instance_id = any (p_ids) and t.instance_id >= p_ids[1]
                and t.state = 'READY' and t.held_by = 'operator' and t.queue is null
            offset 0) k
        where t.instance_id = k.instance_id and t.step = k.step and t.scope = k.scope and t.visit = k.visit
            and t.instance_id >= p_ids[1] and t.state = 'READY' and t.held_by = 'operator'
        returning t.instance_id, t.step, t.scope, t.visit, k.input
    )
    select coalesce(array_agg(row(d.instance_id, d.step, d.scope, d.visit)::onceflow.task_key order by d.instance_id, d.step, d.scope, d.visit), '{}'),
        array_agg(jsonb_build_object('place', 'held', 'value', d.input) order by d.instance_id, d.step, d.scope, d.visit)
    into v_keys, v_given
    from due d;
    return onceflow.find_tasks(p_ids, v_keys, v_given);
end $$;
revoke execute on function onceflow.held_waits(uuid[]) from public;
