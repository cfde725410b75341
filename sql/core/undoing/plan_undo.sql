-- plan_undo(sorted ids, scopes) -> (changes, due)   (internal)
-- Begins the way back of scopes, 0 for the instance itself: every step that succeeded, every one with an attempt
-- whose outcome is unknown, and every block in which something is to be undone, each once in the life of the instance, in
-- the order of next_compensations(). o_due has the first of each scope, of which make_tasks() makes the row; those of
-- the others are made here, in WAITING. o_changes tells of both.
create or replace function onceflow.plan_undo(
    p_ids uuid[], p_scopes onceflow.scope_key[],
    out o_changes onceflow.change[], out o_due onceflow.placed_task[])
language plpgsql volatile as $$
declare
    v_now constant timestamptz := onceflow.now();
begin
    with found as (
        select k.instance_id, t.undo, k.scope, t.visit, i.version_id, i.seq + 1 as seq, i.suspended_at,
            coalesce(t.seq, i.seq + 1) as undoes_seq, row_number() over (
                partition by k.instance_id, k.scope
                order by coalesce(t.seq, i.seq + 1) desc, left(t.undo, -length('.compensate')) desc, t.visit desc) as nth
        from unnest(p_scopes) k
        cross join lateral (
            select i.version_id, i.seq, case when i.suspended_by = 'operator' then i.suspended_at end as suspended_at
            from onceflow.instance i
            where i.id = k.instance_id and i.id between p_ids[1] and p_ids[cardinality(p_ids)] offset 0) i
        cross join lateral (
            -- Of an instance all rows are looked at once; of other scopes those of their list.
            select t.step, t.visit, t.state, t.unknown, t.seq, e.undo, e.kind
            from onceflow.task t
            cross join lateral (
                select e.to_step as undo, u.kind from onceflow.edge e
                join onceflow.step u on u.version_id = e.version_id and u.step = e.to_step
                where e.version_id = i.version_id and e.from_step = t.step and e.kind = 'undo' offset 0) e
            where k.scope = 0 and t.instance_id = k.instance_id and t.scope = 0
                and t.instance_id between p_ids[1] and p_ids[cardinality(p_ids)]
            union all
            select t.step, t.visit, t.state, t.unknown, t.seq, e.undo, e.kind
            from onceflow.scope s
            cross join lateral (
                select st.step, e.to_step as undo, u.kind from onceflow.step st
                join onceflow.edge e on e.version_id = st.version_id and e.from_step = st.step and e.kind = 'undo'
                join onceflow.step u on u.version_id = e.version_id and u.step = e.to_step
                where st.version_id = i.version_id and st.block = s.block and st.list = s.list offset 0) e
            cross join lateral (
                select t.* from onceflow.task t
                where t.instance_id = k.instance_id and t.step = e.step and t.scope = k.scope offset 0) t
            where k.scope > 0 and s.instance_id = k.instance_id and s.scope = k.scope
            offset 0) t
        where case t.kind when 'undo'
            then onceflow.has_block_undo(k.instance_id, i.version_id, t.step, k.scope, t.visit)
            else t.state = 'SUCCEEDED' or t.unknown and t.kind = 'compensation' end
            and not exists (
                select from onceflow.task u
                where u.instance_id = k.instance_id and u.step = t.undo and u.scope = k.scope and u.visit = t.visit
                    and u.instance_id between p_ids[1] and p_ids[cardinality(p_ids)] offset 0)
    ), planned as (
        insert into onceflow.task (instance_id, step, scope, visit, state, undoes_seq, changed_at)
        select f.instance_id, f.undo, f.scope, f.visit, 'WAITING', f.undoes_seq, v_now
        from found f where f.nth > 1
        order by 1, 2, 3, 4
    )
    select coalesce(array_agg(onceflow.task_change(f.instance_id, f.undo, f.scope, f.visit, 0, null, 'WAITING')
            order by f.instance_id, f.undo, f.scope, f.visit), '{}'),
        coalesce(array_agg(onceflow.placed_task(f.instance_id, f.undo, f.scope, f.visit, f.version_id, f.seq,
            case f.scope when 0 then 'COMPENSATING' else 'CLOSING' end, f.suspended_at, true, p_undoes_seq => f.undoes_seq)
            order by f.instance_id, f.scope) filter (where f.nth = 1), '{}')
    into o_changes, o_due
    from found f;
end $$;
revoke execute on function onceflow.plan_undo(uuid[], onceflow.scope_key[]) from public;
