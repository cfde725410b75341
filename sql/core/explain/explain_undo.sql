-- explain_undo(task, step) -> explanation   (internal)
-- What the way back of a block waits for: its scopes, of which each is undone in reverse order, some side by side.
create or replace function onceflow.explain_undo(p_task onceflow.task, p_step onceflow.step) returns onceflow.explanation
language plpgsql stable as $$
declare
    v_now bigint;
    v_later bigint;
begin
    select count(*) filter (where c.undo = 'under way'),
        count(*) filter (where c.undo is null and c.state <> 'WAITING' and c.ordinal < coalesce(b.undo_next, b.total))
    into v_now, v_later
    from onceflow.edge e
    cross join lateral (
        select b.undo_next, b.total from onceflow.block b
        where b.instance_id = p_task.instance_id and b.step = e.from_step and b.scope = p_task.scope
            and b.visit = p_task.visit offset 0) b
    cross join lateral (
        select c.undo, c.state, c.ordinal from onceflow.scope c
        where c.instance_id = p_task.instance_id and c.parent = p_task.scope and c.block = e.from_step
            and c.visit = p_task.visit offset 0) c
    where e.version_id = p_step.version_id and e.to_step = p_step.step and e.kind = 'undo';
    return row(case when p_task.attempt = 0
        then 'waits for its turn: compensations run one by one, the last step first'
        else format('undoes its block, the last of its scopes first: %s under way, at most %s to come',
            onceflow.count_text(v_now), onceflow.count_text(v_later)) end, null, null)::onceflow.explanation;
end $$;
revoke execute on function onceflow.explain_undo(onceflow.task, onceflow.step) from public;
