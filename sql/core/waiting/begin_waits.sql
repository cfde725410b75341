-- begin_waits(sorted ids, keys) -> (changes, ended)   (internal)
-- Of steps that have just begun to wait for something that has a name, all but sleeps, notes what for, in the order of
-- their keys; of several that wait for the same that order says who gets it. Who waits for a signal that is kept takes the
-- oldest at once, and has ended.
create or replace function onceflow.begin_waits(
    p_ids uuid[], p_keys onceflow.task_key[],
    out o_changes onceflow.change[], out o_ended onceflow.placed_task[])
language plpgsql volatile as $$
declare
    v_ended onceflow.ended_wait[];
begin
    with begun as (
        select k.*, t.input ->> 'signal' as name, row_number() over (
            partition by k.instance_id, t.input ->> 'signal'
            order by k.step collate "C", k.scope, k.visit) as place
        from unnest(p_keys) k
        cross join lateral (
            select t.input from onceflow.task t
            where t.instance_id = k.instance_id and t.step = k.step and t.scope = k.scope and t.visit = k.visit
                and t.instance_id between p_ids[1] and p_ids[cardinality(p_ids)] offset 0) t
    ), found as (
        select b.*, d.id, d.payload
        from begun b
        left join lateral (
            select d.id, d.payload from onceflow.delivery d
            where d.instance_id = b.instance_id and d.name = b.name and d.state = 'kept'
                and d.instance_id between p_ids[1] and p_ids[cardinality(p_ids)]
            order by d.id offset b.place - 1 limit 1) d on true
    ), waiting as (
        insert into onceflow.wait (instance_id, step, scope, visit, kind, name, n)
        select f.instance_id, f.step, f.scope, f.visit, 'signal', f.name, nextval('onceflow.wait_n')
        from (
            select f.* from found f where f.id is null
            order by f.instance_id, f.step collate "C", f.scope, f.visit offset 0) f
    ), taken as (
        update onceflow.delivery d
        set state = 'taken', step = f.step, scope = f.scope, visit = f.visit
        from found f
        where d.instance_id = f.instance_id and d.id = f.id and d.instance_id >= p_ids[1] and d.state = 'kept'
    )
    select array_agg(row(f.instance_id, f.step, f.scope, f.visit, f.payload, null)::onceflow.ended_wait)
        filter (where f.id is not null)
    into v_ended
    from found f;
    o_changes := '{}'; o_ended := '{}';
    if v_ended is null then
        return;
    end if;
    o_changes := onceflow.end_waits(p_ids, v_ended);
    o_ended := onceflow.find_tasks(p_ids, onceflow.changed_to(o_changes, 'SUCCEEDED'));
end $$;
revoke execute on function onceflow.begin_waits(uuid[], onceflow.task_key[]) from public;
