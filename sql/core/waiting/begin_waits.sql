-- begin_waits(sorted ids, keys) -> (changes, ended)   (internal)
-- Of steps that have just begun to wait for something that has a name, all but sleeps, notes what for, in the order of
-- their keys; of several that wait for the same signal that order says who gets it. Who waits for a signal that is kept takes the
-- oldest at once; so does who waits for an event, of those that were sent not longer than `keep` ago and that its step has
-- not taken yet.
create or replace function onceflow.begin_waits(
    p_ids uuid[], p_keys onceflow.task_key[],
    out o_changes onceflow.change[], out o_ended onceflow.placed_task[])
language plpgsql volatile as $$
declare
    v_now constant timestamptz := onceflow.now();
    v_inputs constant jsonb[] := array(
        select t.input
        from unnest(p_keys) with ordinality k (instance_id, step, scope, visit, n)
        join onceflow.task t on t.instance_id = k.instance_id and t.step = k.step and t.scope = k.scope
            and t.visit = k.visit and t.instance_id >= p_ids[1]
        order by k.n);
    v_events constant jsonb[] := array(select i from unnest(v_inputs) i where i ? 'event');
    v_ended onceflow.ended_wait[];
begin
    o_changes := '{}'; o_ended := '{}';
    if cardinality(v_events) > 0 then
        perform onceflow.lock_buckets(array(select e ->> 'event' from unnest(v_events) with ordinality e (e, n) order by n),
            array(select onceflow.event_key(e -> 'key') from unnest(v_events) with ordinality e (e, n) order by n), false);
    end if;
    -- In a statement of its own, which sees what was sent until then.
    with begun as (
        select k.instance_id, k.step, k.scope, k.visit, k.input ->> 'signal' as signal,
            k.input ->> 'event' as event, onceflow.event_key(k.input -> 'key') as key, row_number() over (
                partition by k.instance_id, k.input ->> 'signal'
                order by k.step collate "C", k.scope, k.visit) as place
        from unnest(p_keys, v_inputs) k (instance_id, step, scope, visit, input)
    ), found as (
        select b.*, coalesce(d.id, e.n) as id, e.id as event_id, coalesce(d.payload, e.payload) as payload
        from begun b
        left join lateral (
            select d.id, d.payload from onceflow.delivery d
            where d.instance_id = b.instance_id and d.name = b.signal and d.state = 'kept'
                and d.instance_id between p_ids[1] and p_ids[cardinality(p_ids)]
            order by d.id offset b.place - 1 limit 1) d on true
        left join lateral (
            select e.id, e.n, e.payload from onceflow.kept_event(b.instance_id, b.step, b.event, b.key, v_now) e
            where b.event is not null offset 0) e on true
    ), waiting as (
        insert into onceflow.wait (instance_id, step, scope, visit, kind, name, key, n)
        select f.instance_id, f.step, f.scope, f.visit, case when f.event is null then 'signal' else 'event' end,
            coalesce(f.signal, f.event), f.key, nextval('onceflow.wait_n')
        from (
            select f.* from found f where f.id is null
            order by f.instance_id, f.step collate "C", f.scope, f.visit offset 0) f
    ), taken as (
        update onceflow.delivery d
        set state = 'taken', step = f.step, scope = f.scope, visit = f.visit
        from found f
        where f.signal is not null and d.instance_id = f.instance_id and d.id = f.id and d.instance_id >= p_ids[1]
            and d.state = 'kept'
    ), noted as (
        insert into onceflow.delivery (instance_id, id, kind, name, key, step, scope, visit, state, made_at)
        select f.instance_id, nextval('onceflow.delivery_id'), 'event', f.event, f.event_id, f.step, f.scope, f.visit,
            'taken', v_now
        from found f where f.event_id is not null
    )
    select array_agg(row(f.instance_id, f.step, f.scope, f.visit, f.payload, null)::onceflow.ended_wait)
        filter (where f.id is not null)
    into v_ended
    from found f;
    if v_ended is null then
        return;
    end if;
    o_changes := onceflow.end_waits(p_ids, v_ended);
    o_ended := onceflow.find_tasks(p_ids, onceflow.changed_to(o_changes, 'SUCCEEDED'));
end $$;
revoke execute on function onceflow.begin_waits(uuid[], onceflow.task_key[]) from public;
