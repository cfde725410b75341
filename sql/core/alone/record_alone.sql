-- record_alone(changes, opened, scope, queued, succeeded, now) -> void   (internal)
-- Records changes of one instance, each of which stands alone (stands_alone), as record_changes() does those of a set: p_opened
-- and p_scope are their sum and their last scope, p_queued: some have become QUEUED and are told, p_succeeded has its output
-- where it succeeds with them.
create or replace function onceflow.record_alone(
    p_changes onceflow.change[], p_opened int, p_scope bigint, p_queued boolean, p_succeeded onceflow.evaluated_output[],
    p_now timestamptz)
returns void
language plpgsql volatile as $$
declare
    v_first constant onceflow.change := p_changes[1];
    v_second constant onceflow.change := p_changes[2];
    v_done constant boolean := cardinality(p_succeeded) > 0;
    v_trace jsonb;
    v_queues text[];
begin
    -- One row, and two, are most there is, and cheaper by name.
    if cardinality(p_changes) = 1 then
        insert into onceflow.task_log (
            instance_id, seq, n, step, scope, visit, attempt, state, worker_id, error, at)
        values (v_first.instance_id, v_first.seq, 1, v_first.step, v_first.scope, v_first.visit, v_first.attempt,
                v_first.state, v_first.worker_id, v_first.error, p_now);
    elsif cardinality(p_changes) = 2 then
        insert into onceflow.task_log (
            instance_id, seq, n, step, scope, visit, attempt, state, worker_id, error, at)
        values (v_first.instance_id, v_first.seq, 1, v_first.step, v_first.scope, v_first.visit, v_first.attempt,
                v_first.state, v_first.worker_id, v_first.error, p_now),
            (v_first.instance_id, v_second.seq, 2, v_second.step, v_second.scope, v_second.visit, v_second.attempt,
                v_second.state, v_second.worker_id, v_second.error, p_now);
    else
        insert into onceflow.task_log (
            instance_id, seq, n, step, scope, visit, attempt, state, worker_id, error, at)
        select c.instance_id, c.seq, c.n, c.step, c.scope, c.visit, c.attempt, c.state, c.worker_id, c.error, p_now
        from unnest(p_changes) with ordinality c (instance_id, step, scope, visit, attempt,
            was, state, opened, worker_id, queue, error, seq, n);
    end if;
    update onceflow.instance i
    set seq = i.seq + 1,
        open_tasks = i.open_tasks + p_opened,
        scopes = greatest(i.scopes, p_scope),
        state = case when v_done then 'SUCCEEDED' else i.state end,
        output = (p_succeeded[1]).value,
        ended_at = case when v_done then p_now else i.ended_at end,
        deadline_at = case when not v_done then i.deadline_at end,
        suspended_at = case when not v_done then i.suspended_at end,
        suspended_by = case when not v_done then i.suspended_by end
    where i.id = v_first.instance_id
    returning i.trace into v_trace;
    if p_queued then
        with sent as (
            insert into onceflow.outbox (kind, topic, key, value, headers, queued_xid, made_at)
            select 'task', c.queue, c.instance_id::text,
                onceflow.task_message(c.instance_id, c.step, c.scope, c.visit)::text, coalesce(v_trace, '{}'),
                pg_current_xact_id(), p_now
            from unnest(p_changes) c where c.state = 'QUEUED'
            returning topic
        )
        select array_agg(distinct s.topic) into v_queues from sent s;
        if v_queues is not null then
            perform onceflow.wake_sleepers(array_append(v_queues, '*'));
        end if;
    end if;
end $$;
revoke execute on function onceflow.record_alone(
    onceflow.change[], int, bigint, boolean, onceflow.evaluated_output[], timestamptz) from public;
