-- plan_undo(sorted ids, scopes) -> change[]   (internal)
-- Begins the way back of scopes, 0 for the instance itself: every step that succeeded, every one with an attempt
-- whose outcome is unknown, and every block in which something is to be undone gets the row of its undoing, in
-- WAITING; each once in the life of the instance. next_compensations() says in which order.
create or replace function onceflow.plan_undo(p_ids uuid[], p_scopes onceflow.scope_key[])
returns onceflow.change[]
language plpgsql volatile as $$
declare
    v_now constant timestamptz := onceflow.now();
    v_changes onceflow.change[];
begin
    with planned as (
        insert into onceflow.task (instance_id, step, scope, visit, state, undoes_seq, changed_at)
        select k.instance_id, e.to_step, k.scope, t.visit, 'WAITING', coalesce(t.seq, i.seq + 1), v_now
        from unnest(p_scopes) k
        cross join lateral (
            select i.version_id, i.seq from onceflow.instance i
            where i.id = k.instance_id and i.id between p_ids[1] and p_ids[cardinality(p_ids)] offset 0) i
        cross join lateral (
            -- Of an instance all rows are looked at once; of other scopes those of their list.
            select t.step, t.visit, t.state, t.unknown, t.seq from onceflow.task t
            where k.scope = 0 and t.instance_id = k.instance_id and t.scope = 0
                and t.instance_id between p_ids[1] and p_ids[cardinality(p_ids)]
            union all
            select t.step, t.visit, t.state, t.unknown, t.seq
            from onceflow.scope s
            cross join lateral (
                select st.step from onceflow.step st
                where st.version_id = i.version_id and st.block = s.block and st.list = s.list offset 0) st
            cross join lateral (
                select t.* from onceflow.task t
                where t.instance_id = k.instance_id and t.step = st.step and t.scope = k.scope offset 0) t
            where k.scope > 0 and s.instance_id = k.instance_id and s.scope = k.scope
            offset 0) t
        cross join lateral (
            select e.to_step, u.kind from onceflow.edge e
            join onceflow.step u on u.version_id = e.version_id and u.step = e.to_step
            where e.version_id = i.version_id and e.from_step = t.step and e.kind = 'undo' offset 0) e
        where case e.kind when 'undo'
            then onceflow.has_block_undo(k.instance_id, i.version_id, t.step, k.scope, t.visit)
            else t.state = 'SUCCEEDED' or t.unknown and e.kind = 'compensation' end
        order by 1, 2, 3, 4
        on conflict do nothing
        returning instance_id, step, scope, visit
    )
    select coalesce(array_agg(onceflow.task_change(p.instance_id, p.step, p.scope, p.visit, 0,
        null, 'WAITING')), '{}')
    into v_changes
    from planned p;
    return v_changes;
end $$;
revoke execute on function onceflow.plan_undo(uuid[], onceflow.scope_key[]) from public;
