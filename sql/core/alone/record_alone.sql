-- record_alone(instance, changes, succeeded) -> void   (internal)
-- Records a few changes of one instance, none of which sends a message, as record_changes() does those of a set: p_succeeded
-- has its output where it succeeds with them.
create or replace function onceflow.record_alone(
    p_id uuid, p_changes onceflow.change[], p_succeeded onceflow.evaluated_output[])
returns void
language plpgsql volatile as $$
declare
    v_now timestamptz := onceflow.now();
begin
    with logged as (
        insert into onceflow.task_log (
            instance_id, seq, n, step, scope, visit, attempt, state, worker_id, error, at)
        select c.instance_id, c.seq, c.n, c.step, c.scope, c.visit, c.attempt, c.state, c.worker_id, c.error, v_now
        from unnest(p_changes) with ordinality c (instance_id, step, scope, visit, attempt,
            was, state, opened, worker_id, queue, error, seq, n)
    )
    update onceflow.instance i
    set seq = i.seq + 1,
        open_tasks = i.open_tasks + c.opened,
        scopes = greatest(i.scopes, c.scopes),
        state = case when c.done then 'SUCCEEDED' else i.state end,
        output = (p_succeeded[1]).value,
        ended_at = case when c.done then v_now else i.ended_at end,
        deadline_at = case when not c.done then i.deadline_at end,
        suspended_at = case when not c.done then i.suspended_at end,
        suspended_by = case when not c.done then i.suspended_by end
    from (
        select sum(c.opened) as opened, max(c.scope) as scopes, cardinality(p_succeeded) > 0 as done
        from unnest(p_changes) c) c
    where i.id = p_id;
end $$;
revoke execute on function onceflow.record_alone(uuid, onceflow.change[], onceflow.evaluated_output[]) from public;
