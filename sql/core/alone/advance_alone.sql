-- advance_alone(instance, ended, due, change, now, worker, token, call, room) -> moved, grant   (internal)
-- What advance_instances() and finish_transition() do, for one task in no scope that has ended (or, where p_due is given, the
-- one step that its instance begins with), where what follows is plain: one task and no join, or nothing (end_alone). One
-- statement finds that, another makes the task, record_alone() records both changes. p_instance is as its lock found it.
-- o_grant is null where nothing is handed off.
-- Not moved, with nothing written: the instance is not RUNNING, is suspended, or was cut; it passes several edges, or one
-- into a join or a step that may be visited again; what follows is no task, is skipped, or its expression fails; or
-- end_alone() leaves it.
create or replace function onceflow.advance_alone(
    p_instance onceflow.instance, p_ended text, p_due text, p_change onceflow.change, p_now timestamptz,
    p_worker_id uuid, p_token uuid, p_call bigint, p_room int, out o_moved boolean, out o_grant onceflow.hand_off)
language plpgsql volatile as $$
declare
    v_id constant uuid := p_instance.id;
    v_version_id constant bigint := p_instance.version_id;
    v_seq constant int := p_instance.seq + 1;
    v_next record;
    v_found onceflow.evaluation;
    v_made onceflow.change;
begin
    o_moved := false;
    if p_instance.state <> 'RUNNING' or p_instance.suspended_at is not null or p_instance.resume_at is not null then
        return;
    end if;
    select n.step, s.kind, s.spec, s.constant_input, s.queue, s.handler, s.timeout, s.start_timeout, s.total_timeout,
        s.workflow, s.version, s.extra,
        n.plain and (n.step is null or s.kind = 'task') as plain,
        p_room > 0 and not exists (select from onceflow.queue q where q.name = s.queue and q.paused_at is not null)
            and exists (
            select from onceflow.worker w
            where w.id = p_worker_id and w.state = 'live' and w.lease_until > clock_timestamp()
                and s.queue = any (w.queues) and s.handler = any (w.tasks)) as granted
    into v_next
    from (
        select coalesce(p_due, min(e.to_step)) as step,
            count(*) <= 1 and coalesce(min(e.join_count), 1) = 1 as plain
        from onceflow.edge e
        where e.version_id = v_version_id and e.from_step = p_ended and e.kind = 'next' offset 0) n
    left join lateral (
        select s.* from onceflow.step s where s.version_id = v_version_id and s.step = n.step offset 0) s on true;
    if not v_next.plain then
        return;
    elsif v_next.step is null then
        o_moved := onceflow.end_alone(p_instance, p_change, p_now);
        return;
    end if;
    v_found := case when v_next.constant_input is not null then row(true, v_next.constant_input, null)::onceflow.evaluation
        else onceflow.step_value(v_id, v_version_id, v_next.step, 0, 0, null, v_next.kind, v_next.spec) end;
    if not v_found.runs or v_found.error is not null then
        return;
    end if;
    o_moved := true;
    insert into onceflow.task (
        instance_id, step, state, queue, attempt, worker_id, fence, call, queued_xid, due_at, start_by, end_by, changed_at, input)
    values (v_id, v_next.step, case when v_next.granted then 'RUNNING' else 'QUEUED' end, v_next.queue, v_next.granted::int,
        case when v_next.granted then p_worker_id end, case when v_next.granted then p_token end, case when v_next.granted then p_call end,
        case when not v_next.granted then pg_current_xact_id() end,
        case when v_next.granted then p_now + make_interval(secs => v_next.timeout) end,
        p_now + make_interval(secs => v_next.start_timeout), p_now + make_interval(secs => v_next.total_timeout), p_now,
        v_found.value);
    v_made := onceflow.task_change(v_id, v_next.step, 0, 0, v_next.granted::int,
        null, case when v_next.granted then 'RUNNING' else 'QUEUED' end, v_next.queue,
        case when v_next.granted then p_worker_id end, null, v_seq);
    perform onceflow.record_alone(
        array[p_change, v_made], p_change.opened + v_made.opened, 0, not v_next.granted, '{}', p_now);
    if v_next.granted then
        o_grant := row(v_id, v_next.step, 'granted', p_token, v_next.handler, v_next.queue, v_found.value, 1, v_next.timeout,
            onceflow.idempotency_key(v_id, v_next.step), v_next.workflow, v_next.version, false,
            case when p_instance.trace is null then v_next.extra else onceflow.traced_extra(v_next.extra, p_instance.trace,
                row(v_id, v_next.step, 0, 0)::onceflow.task_key) end)::onceflow.hand_off;
    end if;
end $$;
revoke execute on function onceflow.advance_alone(
    onceflow.instance, text, text, onceflow.change, timestamptz, uuid, uuid, bigint, int) from public;
