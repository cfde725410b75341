-- record_alone(change, another, succeeded, now) -> void   (internal)
-- Records one change of an instance, or two, none of which sends a message, as record_changes() does those of a set:
-- p_succeeded has its output where it succeeds with them.
create or replace function onceflow.record_alone(
    a onceflow.change, b onceflow.change, p_succeeded onceflow.evaluated_output[], p_now timestamptz)
returns void
language plpgsql volatile as $$
declare
    v_opened constant int := a.opened + coalesce(b.opened, 0);
    v_scope constant bigint := greatest(a.scope, b.scope);
    v_done constant boolean := cardinality(p_succeeded) > 0;
begin
    if b.state is null then
        insert into onceflow.task_log (
            instance_id, seq, n, step, scope, visit, attempt, state, worker_id, error, at)
        values (a.instance_id, a.seq, 1, a.step, a.scope, a.visit, a.attempt, a.state, a.worker_id, a.error, p_now);
    else
        insert into onceflow.task_log (
            instance_id, seq, n, step, scope, visit, attempt, state, worker_id, error, at)
        values (a.instance_id, a.seq, 1, a.step, a.scope, a.visit, a.attempt, a.state, a.worker_id, a.error, p_now),
            (a.instance_id, b.seq, 2, b.step, b.scope, b.visit, b.attempt, b.state, b.worker_id, b.error, p_now);
    end if;
    update onceflow.instance i
    set seq = i.seq + 1,
        open_tasks = i.open_tasks + v_opened,
        scopes = greatest(i.scopes, v_scope),
        state = case when v_done then 'SUCCEEDED' else i.state end,
        output = (p_succeeded[1]).value,
        ended_at = case when v_done then p_now else i.ended_at end,
        deadline_at = case when not v_done then i.deadline_at end,
        suspended_at = case when not v_done then i.suspended_at end,
        suspended_by = case when not v_done then i.suspended_by end
    where i.id = a.instance_id;
end $$;
revoke execute on function onceflow.record_alone(
    onceflow.change, onceflow.change, onceflow.evaluated_output[], timestamptz) from public;
