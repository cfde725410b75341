-- advance_alone(ended, due, changes, worker, token, call, room) -> moved, grant   (internal)
-- What advance_instances() and finish_transition() do, for one task that has ended (or, where p_due is given, the one step
-- that its instance begins with), where what follows is plain: one task and no join, or nothing. One statement finds that,
-- another makes the task, record_changes() records. o_grant is null where nothing is handed off.
-- Not moved, with nothing written: the instance is not RUNNING, is suspended, or was cut; the step lies in a scope, or was
-- visited before, passes several edges, or one into a join or a step that may be visited again; what follows is no task, is
-- skipped, or its expression fails; at the end there is an output to evaluate, or a parent to tell.
create or replace function onceflow.advance_alone(
    p_ended onceflow.placed_task, p_due text, p_changes onceflow.change[],
    p_worker_id uuid, p_token uuid, p_call bigint, p_room int, out o_moved boolean, out o_grant onceflow.hand_off)
language plpgsql volatile as $$
declare
    v_id constant uuid := p_ended.instance_id;
    v_now constant timestamptz := onceflow.now();
    v_next record;
    v_granted boolean;
begin
    o_moved := false;
    if p_ended.state <> 'RUNNING' or p_ended.scope > 0 or p_ended.visit > 0 then
        return;
    end if;
    select n.step, i.open_tasks, e.start_timeout, e.total_timeout, e.handler, e.queue, e.timeout, (e.found).value as input,
        s.workflow, s.version, s.extra, i.trace,
        n.plain and i.suspended_at is null and i.resume_at is null and case when n.step is null
            then i.parent_id is null and not exists (
                select from onceflow.workflow_version v where v.id = p_ended.version_id and v.returns)
                and not exists (
                select from onceflow.step o where o.version_id = p_ended.version_id and o.step = 'workflow.output')
            else e.kind = 'task' and (e.found).runs and (e.found).error is null end as plain,
        p_room > 0 and not exists (select from onceflow.queue q where q.name = e.queue and q.paused_at is not null)
            and exists (
            select from onceflow.worker w
            where w.id = p_worker_id and w.state = 'live' and w.lease_until > clock_timestamp()
                and e.queue = any (w.queues) and e.handler = any (w.tasks)) as granted
    into v_next
    from onceflow.instance i
    cross join lateral (
        select coalesce(p_due, min(e.to_step)) as step,
            count(*) <= 1 and coalesce(min(e.join_count), 1) = 1 as plain
        from onceflow.edge e
        where e.version_id = p_ended.version_id and e.from_step = p_ended.step and e.kind = 'next' offset 0) n
    left join lateral onceflow.evaluate_steps(case when n.plain and n.step is not null then array[onceflow.placed_task(
        v_id, n.step, 0, 0, p_ended.version_id, p_ended.seq, 'RUNNING')] else '{}' end) e on true
    left join lateral (
        select s.workflow, s.version, s.extra from onceflow.step s
        where s.version_id = p_ended.version_id and s.step = n.step offset 0) s on true
    where i.id = v_id;
    if not v_next.plain then
        return;
    end if;
    o_moved := true;
    if v_next.step is null then
        perform onceflow.record_changes(array[v_id], p_changes || case when v_next.open_tasks = 1
            then array[onceflow.instance_change(v_id, 'RUNNING', 'SUCCEEDED', null, p_ended.seq)] end, case when v_next.open_tasks = 1
            then array[row(v_id, null, null)::onceflow.evaluated_output] else '{}' end);
        return;
    end if;
    v_granted := v_next.granted;
    insert into onceflow.task (
        instance_id, step, state, queue, attempt, worker_id, fence, call, queued_xid, due_at, start_by, end_by, changed_at, input)
    values (v_id, v_next.step, case when v_granted then 'RUNNING' else 'QUEUED' end, v_next.queue, v_granted::int,
        case when v_granted then p_worker_id end, case when v_granted then p_token end, case when v_granted then p_call end,
        case when not v_granted then pg_current_xact_id() end,
        case when v_granted then v_now + make_interval(secs => v_next.timeout) end,
        v_now + make_interval(secs => v_next.start_timeout), v_now + make_interval(secs => v_next.total_timeout), v_now,
        v_next.input);
    perform onceflow.record_changes(array[v_id], p_changes || onceflow.task_change(v_id, v_next.step, 0, 0, v_granted::int,
        null, case when v_granted then 'RUNNING' else 'QUEUED' end, v_next.queue,
        case when v_granted then p_worker_id end, null, p_ended.seq), '{}');
    if v_granted then
        o_grant := row(v_id, v_next.step, 'granted', p_token, v_next.handler, v_next.queue, v_next.input, 1, v_next.timeout,
            onceflow.idempotency_key(v_id, v_next.step), v_next.workflow, v_next.version, false,
            case when v_next.trace is null then v_next.extra else onceflow.traced_extra(v_next.extra, v_next.trace,
                row(v_id, v_next.step, 0, 0)::onceflow.task_key) end)::onceflow.hand_off;
    end if;
end $$;
revoke execute on function onceflow.advance_alone(
    onceflow.placed_task, text, onceflow.change[], uuid, uuid, bigint, int) from public;
