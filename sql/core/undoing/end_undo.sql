-- end_undo(sorted ids, undo rows of blocks) -> (changes, scopes, blocks)   (internal)
-- Ends the way back of blocks of which nothing is left to undo. o_scopes are the scopes whose own way back goes on with
-- what comes next; o_unwinding the blocks that have failed and waited for it, whose steps go on.
create or replace function onceflow.end_undo(
    p_ids uuid[], p_rows onceflow.task_key[],
    out o_changes onceflow.change[], out o_scopes onceflow.scope_key[], out o_unwinding onceflow.task_key[])
language plpgsql volatile as $$
declare
    v_now constant timestamptz := onceflow.now();
begin
    with ended as (
        update onceflow.task t
        set state = 'SUCCEEDED', attempt = 0, seq = i.seq + 1, changed_at = v_now
        from unnest(p_rows) k
        cross join lateral (
            select i.seq, i.version_id from onceflow.instance i where i.id = k.instance_id offset 0) i
        where t.instance_id = k.instance_id and t.step = k.step and t.scope = k.scope and t.visit = k.visit
            and t.instance_id >= p_ids[1] and t.state = 'WAITING'
        returning t.instance_id, t.step, t.scope, t.visit, i.version_id
    ), found as (
        select e.*, b.step as block, b.unwinds
        from ended e
        cross join lateral (
            select d.from_step from onceflow.edge d
            where d.version_id = e.version_id and d.to_step = e.step and d.kind = 'undo' offset 0) d
        cross join lateral (
            select b.step, b.unwinds from onceflow.block b
            where b.instance_id = e.instance_id and b.step = d.from_step and b.scope = e.scope
                and b.visit = e.visit offset 0) b
    )
    select array(
            select onceflow.task_change(f.instance_id, f.step, f.scope, f.visit, 0, 'WAITING', 'SUCCEEDED') from found f),
        array(select row(f.instance_id, f.scope)::onceflow.scope_key from found f),
        array(
            select row(f.instance_id, f.block, f.scope, f.visit)::onceflow.task_key
            from found f where f.unwinds = 'undoing')
    into o_changes, o_scopes, o_unwinding;
end $$;
revoke execute on function onceflow.end_undo(uuid[], onceflow.task_key[]) from public;
