-- unwind_blocks(sorted ids, blocks) -> (changes, ended, undoing)   (internal)
-- A block that has failed while its step goes on, and whose scopes have all ended: its way back begins, where there is
-- something to undo and it is not left to the scope around; where not, or once it is undone, its step ends. o_undoing are the undo rows
-- of the ways back that begin.
create or replace function onceflow.unwind_blocks(
    p_ids uuid[], p_blocks onceflow.task_key[],
    out o_changes onceflow.change[], out o_ended onceflow.placed_task[], out o_undoing onceflow.task_key[])
language plpgsql volatile as $$
declare
    v_now timestamptz := onceflow.now();
begin
    with found as (
        select k.*, i.version_id, i.seq + 1 as seq,
            onceflow.is_undone(st.spec, v.on_failure) and b.unwinds = 'closing'
                and onceflow.has_block_undo(k.instance_id, i.version_id, k.step, k.scope, k.visit) as undoes
        from unnest(p_blocks) k
        cross join lateral (
            select i.version_id, i.seq from onceflow.instance i where i.id = k.instance_id offset 0) i
        cross join lateral (
            select v.on_failure from onceflow.workflow_version v where v.id = i.version_id offset 0) v
        cross join lateral (
            select st.spec from onceflow.step st
            where st.version_id = i.version_id and st.step = k.step offset 0) st
        cross join lateral (
            select b.unwinds from onceflow.block b
            where b.instance_id = k.instance_id and b.step = k.step and b.scope = k.scope
                and b.visit = k.visit and b.unwinds is not null offset 0) b
    ), planned as (
        insert into onceflow.task (instance_id, step, scope, visit, state, attempt, undoes_seq, changed_at)
        select f.instance_id, f.step || '.compensate', f.scope, f.visit, 'WAITING', 1, f.seq, v_now
        from found f where f.undoes
        returning instance_id, step, scope, visit
    ), unwound as (
        update onceflow.block b
        set unwinds = case when f.undoes then 'undoing' end
        from found f
        where b.instance_id = f.instance_id and b.step = f.step and b.scope = f.scope and b.visit = f.visit
            and b.instance_id >= p_ids[1]
    ), failed as (
        update onceflow.task t
        set state = 'FAILED', seq = f.seq, output = onceflow.failed_output(f.version_id, f.step), changed_at = v_now
        from found f
        where t.instance_id = f.instance_id and t.step = f.step and t.scope = f.scope and t.visit = f.visit
            and t.instance_id >= p_ids[1] and not f.undoes and t.state = 'WAITING'
        returning t.instance_id, t.step, t.scope, t.visit, t.error
    )
    select array(
            select onceflow.task_change(p.instance_id, p.step, p.scope, p.visit, 0, null, 'WAITING') from planned p)
        || array(
            select onceflow.task_change(f.instance_id, f.step, f.scope, f.visit, 0, 'WAITING', 'FAILED',
                p_error => f.error) from failed f),
        array(select row(p.instance_id, p.step, p.scope, p.visit)::onceflow.task_key from planned p),
        onceflow.find_tasks(p_ids, array(
            select row(f.instance_id, f.step, f.scope, f.visit)::onceflow.task_key from failed f))
    into o_changes, o_undoing, o_ended;
end $$;
revoke execute on function onceflow.unwind_blocks(uuid[], onceflow.task_key[]) from public;
