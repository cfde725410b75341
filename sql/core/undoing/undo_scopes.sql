-- undo_scopes(sorted ids, undo rows of blocks) -> (changes, due, done)   (internal)
-- Carries on the way back of blocks: of the scopes that wait for it the last ordinals begin theirs, side by side as many
-- as the block lets run. o_due are the compensations that come due; o_done the rows of which nothing is left to undo.
create or replace function onceflow.undo_scopes(
    p_ids uuid[], p_rows onceflow.task_key[],
    out o_changes onceflow.change[], out o_due onceflow.placed_task[], out o_done onceflow.task_key[])
language plpgsql volatile as $$
declare
    v_row record;
    v_begun onceflow.scope_key[];
    v_all onceflow.scope_key[] := '{}';
    v_live int;
begin
    o_done := '{}';
    for v_row in
        select k.instance_id, k.step, k.scope, k.visit, b.step as block, b.max_parallel
        from unnest(p_rows) k
        cross join lateral (
            select i.version_id from onceflow.instance i where i.id = k.instance_id offset 0) i
        cross join lateral (
            select st.step, (st.spec ->> 'max_parallel')::int as max_parallel
            from onceflow.edge e
            join onceflow.step st on st.version_id = e.version_id and st.step = e.from_step
            where e.version_id = i.version_id and e.to_step = k.step and e.kind = 'undo' offset 0) b
        order by k.instance_id, k.step, k.scope, k.visit
    loop
        with begun as (
            update onceflow.scope s
            set undo = 'under way', settled = false
            from (
                select w.scope from onceflow.scope w
                where w.instance_id = v_row.instance_id and w.parent = v_row.scope and w.block = v_row.block
                    and w.visit = v_row.visit and w.undo = 'waiting'
                order by w.ordinal desc
                limit v_row.max_parallel - (
                    select count(*) from onceflow.scope u
                    where u.instance_id = v_row.instance_id and u.parent = v_row.scope and u.block = v_row.block
                        and u.visit = v_row.visit and u.undo = 'under way')) w
            where s.instance_id = v_row.instance_id and s.scope = w.scope
            returning s.instance_id, s.scope
        )
        select coalesce(array_agg(row(b.instance_id, b.scope)::onceflow.scope_key), '{}') into v_begun from begun b;
        v_all := v_all || v_begun;
        update onceflow.block b
        set live = b.live + cardinality(v_begun)
        where b.instance_id = v_row.instance_id and b.step = v_row.block and b.scope = v_row.scope
            and b.visit = v_row.visit
        returning b.live into v_live;
        if v_live = cardinality(v_begun) and v_live > 0 then
            perform onceflow.count_live(v_row.instance_id, v_row.scope, 1);
        elsif v_live = 0 then
            o_done := o_done || row(v_row.instance_id, v_row.step, v_row.scope, v_row.visit)::onceflow.task_key;
        end if;
    end loop;
    o_changes := onceflow.plan_undo(p_ids, v_all);
    o_due := onceflow.find_tasks(p_ids, onceflow.next_compensations(p_ids, v_all));
end $$;
revoke execute on function onceflow.undo_scopes(uuid[], onceflow.task_key[]) from public;
