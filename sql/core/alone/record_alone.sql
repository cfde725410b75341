-- record_alone(change, second, succeeded, now) -> void   (internal)
-- Records one change of an instance, or two, none of which sends a message, as record_changes() does those of a set:
-- p_succeeded has its output where it succeeds with them.
create or replace function onceflow.record_alone(
    p_change onceflow.change, p_second onceflow.change, p_succeeded onceflow.evaluated_output[], p_now timestamptz)
returns void
language plpgsql volatile as $$
declare
    v_opened constant int := p_change.opened + coalesce(p_second.opened, 0);
    v_scope constant bigint := greatest(p_change.scope, p_second.scope);
    v_done constant boolean := cardinality(p_succeeded) > 0;
begin
    if p_second.state is null then
        insert into onceflow.task_log (
            instance_id, seq, n, step, scope, visit, attempt, state, worker_id, error, at)
        values (p_change.instance_id, p_change.seq, 1, p_change.step, p_change.scope, p_change.visit, p_change.attempt,
                p_change.state, p_change.worker_id, p_change.error, p_now);
    else
        insert into onceflow.task_log (
            instance_id, seq, n, step, scope, visit, attempt, state, worker_id, error, at)
        values (p_change.instance_id, p_change.seq, 1, p_change.step, p_change.scope, p_change.visit, p_change.attempt,
                p_change.state, p_change.worker_id, p_change.error, p_now),
            (p_change.instance_id, p_second.seq, 2, p_second.step, p_second.scope, p_second.visit, p_second.attempt,
                p_second.state, p_second.worker_id, p_second.error, p_now);
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
    where i.id = p_change.instance_id;
end $$;
revoke execute on function onceflow.record_alone(
    onceflow.change, onceflow.change, onceflow.evaluated_output[], timestamptz) from public;
