-- undo_scopes(sorted ids, undo rows of blocks) -> (changes, counts, due, done)   (internal)
-- Carries on the way back of blocks: of their scopes the last ordinals begin theirs, side by side as many as the block lets
-- run, and those in which there is nothing to undo are passed over. The block's row tells how far it has come
-- (undo_next): no scope is looked at twice. o_counts takes off the changes what the rows of scopes count at once. o_due are the compensations that come due; o_done the rows of which nothing is left to undo.
create or replace function onceflow.undo_scopes(
    p_ids uuid[], p_rows onceflow.task_key[],
    out o_changes onceflow.change[], out o_counts onceflow.scope_count[], out o_due onceflow.placed_task[],
    out o_done onceflow.task_key[])
language plpgsql volatile as $$
declare
    v_row record;
    v_scopes onceflow.scope_key[];
    v_planned record;
    v_next int;
    -- All of a block's scopes have ended: those that live are being undone.
    v_live int;
begin
    o_changes := '{}'; o_due := '{}'; o_done := '{}';
    for v_row in
        select k.*, s.step as block, s.max_parallel, b.live, coalesce(b.undo_next, b.total) as undo_next
        from (select distinct u.* from unnest(p_rows) u) k
        cross join lateral (
            select i.version_id from onceflow.instance i where i.id = k.instance_id offset 0) i
        cross join lateral (
            select st.step, (st.spec ->> 'max_parallel')::int as max_parallel
            from onceflow.edge e
            join onceflow.step st on st.version_id = e.version_id and st.step = e.from_step
            where e.version_id = i.version_id and e.to_step = k.step and e.kind = 'undo' offset 0) s
        cross join lateral (
            select b.live, b.undo_next, b.total from onceflow.block b
            where b.instance_id = k.instance_id and b.step = s.step and b.scope = k.scope
                and b.visit = k.visit offset 0) b
        order by k.instance_id, k.step, k.scope, k.visit
    loop
        v_live := v_row.live;
        v_next := v_row.undo_next;
        while v_next > 0 and (v_live < v_row.max_parallel) is not false loop
            select coalesce(array_agg(row(v_row.instance_id, w.scope)::onceflow.scope_key)
                filter (where w.undo is null and w.state <> 'WAITING'), '{}'), coalesce(min(w.ordinal), 0)
            into v_scopes, v_next
            from (
                select w.scope, w.ordinal, w.undo, w.state from onceflow.scope w
                where w.instance_id = v_row.instance_id and w.parent = v_row.scope and w.block = v_row.block
                    and w.visit = v_row.visit and w.ordinal < v_next
                order by w.ordinal desc
                limit v_row.max_parallel - v_live) w;
            v_planned := onceflow.plan_undo(p_ids, v_scopes);
            o_changes := o_changes || v_planned.o_changes;
            o_due := o_due || v_planned.o_due;
            v_live := v_live + cardinality(v_planned.o_due);
        end loop;
        update onceflow.block b
        set live = v_live, undo_next = v_next
        where b.instance_id = v_row.instance_id and b.step = v_row.block and b.scope = v_row.scope
            and b.visit = v_row.visit;
        if v_live = 0 then
            o_done := o_done || row(v_row.instance_id, v_row.step, v_row.scope, v_row.visit)::onceflow.task_key;
        elsif v_row.live = 0 then
            perform onceflow.count_live(v_row.instance_id, v_row.scope, 1);
        end if;
    end loop;
    o_counts := array(
        select row(c.instance_id, c.scope, -count(*))::onceflow.scope_count
        from unnest(o_changes) c group by c.instance_id, c.scope);
    update onceflow.scope s
    set undo = 'under way', settled = false, open = s.open - c.opened
    from unnest(o_counts) c
    where s.instance_id = c.instance_id and s.scope = c.scope and s.instance_id >= p_ids[1];
end $$;
revoke execute on function onceflow.undo_scopes(uuid[], onceflow.task_key[]) from public;
