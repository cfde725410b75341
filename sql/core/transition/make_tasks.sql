-- make_tasks(sorted ids, due, worker, token, call, room) -> changes, ended, jumped, dead, begun, undoing, granted   (internal)
-- Makes the rows of steps that are due, as evaluate_steps() and decide_tasks() have them: with their input
-- evaluated now, once, and up to p_room of them handed off, on the queues of a live worker that has their handlers, under its token.
-- o_ended are those that have ended at once and pass on, o_jumped the steps that a goto leads to, o_dead the dead letters, o_begun the blocks that begin,
-- o_undoing the ways back of blocks that do; o_granted counts the handed-off ones.
create or replace function onceflow.make_tasks(
    p_ids uuid[], p_due onceflow.placed_task[], p_worker_id uuid, p_token uuid, p_call bigint, p_room int,
    out o_changes onceflow.change[], out o_ended onceflow.placed_task[],
    out o_jumped onceflow.placed_task[], out o_dead onceflow.task_key[], out o_begun onceflow.begun_block[],
    out o_undoing onceflow.task_key[], out o_granted int)
language plpgsql volatile as $$
declare
    v_now timestamptz := onceflow.now();
    v_queues text[] := '{}';
    v_tasks text[] := '{}';
    v_written bigint;
    v_waiting onceflow.begun_wait[];
    v_begun record;
begin
    if p_room > 0 then
        select w.queues, w.tasks into v_queues, v_tasks from onceflow.worker w
        where w.id = p_worker_id and w.state = 'live' and w.lease_until > clock_timestamp();
        if exists (select from onceflow.queue q where q.paused_at is not null) then
            v_queues := array(select n from unnest(v_queues) n where n <> all (
                array(select q.name from onceflow.queue q where q.paused_at is not null)));
        end if;
    end if;
    with decided as (
        select d.*,
            case when d.granted then p_worker_id end as worker_id,
            case when d.granted then p_token end as fence,
            case when d.granted then p_call end as call,
            case when d.granted then v_now + make_interval(secs => d.timeout)
                when d.becomes = 'WAITING' and d.input is not null
                then onceflow.wait_until(d.kind, d.input, d.timeout, v_now) end as due_at,
            v_now + make_interval(secs => d.start_timeout) as start_by, v_now + make_interval(secs => d.total_timeout) as end_by,
            case d.becomes when 'QUEUED' then pg_current_xact_id() end as queued_xid,
            case d.becomes when 'READY' then 'operator' end as held_by,
            case d.becomes when 'SKIPPED' then 'when' end as reason,
            case when d.ended then d.seq end as ended_seq,
            -- That of what has a way back of its own, or is one, tells that it has begun.
            case when d.becomes = 'WAITING' and d.kind in ('undo', 'undo_child', 'workflow') then 1 else d.granted::int end as attempt
        from onceflow.decide_tasks(p_due, v_queues, v_tasks, p_room) d
    ), inserted as (
        insert into onceflow.task (
            instance_id, step, scope, visit, state, queue, attempt, seq, worker_id, fence, call,
            undoes_seq, queued_xid, held_by, due_at, start_by, end_by, changed_at, input, output, error, reason)
        select d.instance_id, d.step, d.scope, d.visit, d.becomes, d.queue, d.attempt, d.ended_seq,
            d.worker_id, d.fence, d.call, d.undoes_seq, d.queued_xid, d.held_by, d.due_at, d.start_by, d.end_by, v_now,
            d.input, d.output, d.error, d.reason
        from decided d
        where not d.waits or d.undoes_seq is not null
        order by d.instance_id, d.step, d.scope, d.visit
        returning 1
    ), updated as (
        -- Of a join that has counted, or a compensation planned before, the row is there already. (Not by `on conflict`, which
        -- looks twice for each of the others.)
        update onceflow.task t
        set state = d.becomes, queue = d.queue, attempt = d.attempt, seq = d.ended_seq, worker_id = d.worker_id,
            fence = d.fence, call = d.call, queued_xid = d.queued_xid, held_by = d.held_by, due_at = d.due_at,
            start_by = d.start_by, end_by = d.end_by,
            changed_at = v_now, input = d.input, output = d.output, error = d.error, reason = d.reason
        from (
            select d.* from decided d where d.waits and d.undoes_seq is null
            order by d.instance_id, d.step, d.scope, d.visit offset 0) d
        where t.instance_id = d.instance_id and t.step = d.step and t.scope = d.scope
            and t.visit = d.visit and t.instance_id >= p_ids[1] and t.state = 'WAITING'
        returning 1
    )
    select coalesce(array_agg(onceflow.task_change(d.instance_id, d.step, d.scope, d.visit, d.granted::int,
            case when d.waits then 'WAITING' end, d.becomes, d.queue, d.worker_id, d.error, d.seq)), '{}'),
        coalesce(array_agg(onceflow.placed_task(d.instance_id, d.step, d.scope, d.visit,
            d.version_id, d.seq, d.state, d.suspended_at))
            filter (where d.ended and (d.becomes <> 'SUCCEEDED' or d.kind not in ('return', 'goto'))), '{}'),
        coalesce(array_agg(onceflow.placed_task(d.instance_id, d.jumps_to, d.scope,
            onceflow.next_visit(d.instance_id, d.jumps_to, d.scope), d.version_id, d.seq, d.state, d.suspended_at))
            filter (where d.jumps_to is not null), '{}'),
        coalesce(array_agg(row(d.instance_id, d.step, d.scope, d.visit)::onceflow.task_key)
            filter (where d.becomes = 'DEAD_LETTER'), '{}'),
        coalesce(array_agg(row(d.instance_id, d.step, d.scope, d.visit, d.version_id, d.seq, d.items)::onceflow.begun_block)
            filter (where d.becomes = 'WAITING' and d.kind <> 'undo' and d.input is null), '{}'),
        coalesce(array_agg(row(d.instance_id, d.step, d.scope, d.visit)::onceflow.task_key)
            filter (where d.becomes = 'WAITING' and d.kind = 'undo'), '{}'),
        array_agg(row(d.instance_id, d.step, d.scope, d.visit, d.version_id, d.kind, d.items)::onceflow.begun_wait)
            filter (where d.becomes = 'WAITING' and d.input is not null and d.kind <> 'sleep'),
        count(*) filter (where d.granted), (select count(*) from inserted) + (select count(*) from updated)
    into o_changes, o_ended, o_jumped, o_dead, o_begun, o_undoing, v_waiting, o_granted, v_written
    from decided d;
    if v_written <> cardinality(p_due) then
        -- A step comes due once in a scope and visit: this cannot be, and must not be counted.
        raise assert_failure using message = format('%s of %s steps that came due were not waiting',
            cardinality(p_due) - v_written, cardinality(p_due));
    end if;
    if v_waiting is not null then
        v_begun := onceflow.begin_waiting(p_ids, v_waiting);
        o_changes := o_changes || v_begun.o_changes;
        o_ended := o_ended || v_begun.o_ended;
    end if;
end $$;
revoke execute on function onceflow.make_tasks(
    uuid[], onceflow.placed_task[], uuid, uuid, bigint, int) from public;
