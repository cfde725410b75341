-- explain_child(task, step) -> explanation   (internal)
-- What a step waits for that has started an instance, or has it undone: that one's own reason, from its most telling open
-- task, and so on downwards; with the advice that it gives.
create or replace function onceflow.explain_child(p_task onceflow.task, p_step onceflow.step) returns onceflow.explanation
language plpgsql stable as $$
declare
    v_id constant uuid := (
        select w.key::uuid from onceflow.wait w
        where w.instance_id = p_task.instance_id and w.step = p_task.step and w.scope = p_task.scope and w.visit = p_task.visit);
    v_child onceflow.instance;
    v_open record;
    v_why onceflow.explanation;
    v_reason text;
begin
    select * into v_child from onceflow.instance i where i.id = v_id;
    select t, s into v_open
    from onceflow.task t
    join onceflow.step s on s.version_id = v_child.version_id and s.step = t.step
    where t.instance_id = v_child.id and t.seq is null
    order by array_position(array['DEAD_LETTER', 'RETRYING', 'QUEUED', 'RUNNING', 'READY', 'WAITING'], t.state),
        t.changed_at, t.step
    limit 1;
    if v_child.id is null then
        v_reason := 'which has not begun: the clock starts it with its next turn';
    elsif v_child.ended_at is not null then
        v_reason := format('which is %s, and the clock has to see to it', v_child.state);
    elsif v_child.suspended_by = 'operator' then
        v_why := onceflow.explain_state(v_child);
        v_reason := 'which is ' || v_why.because;
    elsif v_open.t is null then
        v_reason := 'which is ' || v_child.state;
    else
        v_why := onceflow.explain_limits(onceflow.explain_task(v_open.t, v_open.s), v_open.t);
        v_reason := format('which is %s; its %s %s', v_child.state,
            onceflow.task_name((v_open.t).step, (v_open.t).scope, (v_open.t).visit), v_why.because);
    end if;
    return row(format(case when p_step.kind = 'undo_child' then 'waits until the instance %s of %s is undone, %s'
            else 'waits for the instance %s of %s, %s' end || coalesce(
                '; it has until ' || onceflow.time_text(p_task.due_at), ''),
        v_id, p_step.spec ->> 'workflow', v_reason), v_why.verb, v_why.args)::onceflow.explanation;
end $$;
revoke execute on function onceflow.explain_child(onceflow.task, onceflow.step) from public;
