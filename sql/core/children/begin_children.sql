-- begin_children(sorted ids, begun) -> void   (internal)
-- Of steps of locked instances that have just begun to wait for an instance of their own, or for its undoing: tells it so, in
-- a delivery, and notes what is waited for. start_children() applies the first, reopen_children() the other. What is started
-- with `detach` is a root, of its own time.
create or replace function onceflow.begin_children(p_ids uuid[], p_begun onceflow.begun_wait[]) returns void
language plpgsql volatile as $$
declare
    v_now constant timestamptz := onceflow.now();
    -- Ids of one family are of one millisecond, in no order.
    v_from constant uuid := left(p_ids[1]::text, 13) || '-0000-0000-000000000000';
begin
    with begun as (
        select b.instance_id, b.step, b.scope, b.visit, b.items, st.kind, st.spec -> 'workflow' #>> '{}' as name,
            st.spec -> 'version' as version, st.spec ? 'detach' as detached, coalesce(i.root_id, i.id) as root_id, i.trace,
            i.parent_id is not null as deep, c.instance_id as undone
        from unnest(p_begun) b
        cross join lateral (
            select st.kind, st.spec from onceflow.step st
            where st.version_id = b.version_id and st.step = b.step offset 0) st
        cross join lateral (
            select i.id, i.parent_id, i.root_id, i.trace from onceflow.instance i
            where i.id = b.instance_id and i.id between p_ids[1] and p_ids[cardinality(p_ids)] offset 0) i
        left join lateral (
            select c.instance_id from onceflow.child c
            where c.parent_id = b.instance_id and c.step = left(b.step, -length('.compensate')) and c.scope = b.scope
                and c.visit = b.visit and c.instance_id >= v_from and st.kind = 'undo_child'
            order by c.n desc limit 1) c on true
        offset 0
    ), named as (
        select b.*, coalesce(b.undone, case when b.detached then onceflow.uuid7((select d.cell from onceflow.deployment d))
                else onceflow.child_id(b.root_id) end) as id,
            case when b.detached or b.undone is not null then 0 when not b.deep then 1 else (
                select c.depth + 1 from onceflow.child c
                where c.instance_id = b.instance_id and c.instance_id >= p_ids[1]) end as depth
        from begun b
        offset 0
    ), waiting as (
        insert into onceflow.wait (instance_id, step, scope, visit, kind, name, key, n)
        select n.instance_id, n.step, n.scope, n.visit, 'child', coalesce(n.name, 'undo'), n.id::text, nextval('onceflow.wait_n')
        from named n
    ), children as (
        insert into onceflow.child (instance_id, parent_id, step, scope, visit, depth, n, answers)
        select n.id, n.instance_id, n.step, n.scope, n.visit, n.depth, nextval('onceflow.delivery_id'), case when not n.detached then n.step end
        from named n
        where n.undone is null
    )
    insert into onceflow.delivery (instance_id, id, kind, name, step, scope, visit, payload, state, made_at)
    select n.id, nextval('onceflow.delivery_id'), case when n.undone is null then 'start' else 'undo' end, n.name, n.step, n.scope, n.visit,
        case when n.undone is null then jsonb_strip_nulls(jsonb_build_object(
            'parent', n.instance_id, 'root', n.root_id, 'depth', n.depth, 'version', n.version, 'detached', n.detached,
            'key', nullif(n.items ->> 'key', ''), 'trace', n.trace)) || jsonb_build_object('input', n.items -> 'with') end,
        'sent', v_now
    from (select n.* from named n order by n.instance_id, n.step collate "C", n.scope, n.visit offset 0) n;
    if found then
        perform onceflow.wake_sleepers('{*deliveries}');
    end if;
end $$;
revoke execute on function onceflow.begin_children(uuid[], onceflow.begun_wait[]) from public;
