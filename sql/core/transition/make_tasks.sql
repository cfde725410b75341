-- make_tasks(due, worker, token, call, room) -> changes, ended, dead, granted   (internal)
-- Makes the rows of steps that are due, as evaluate_steps() and decide_tasks() have them: with their input
-- evaluated now, once, and up to p_room of them handed off, on the queues of a live worker that has their handlers, under its token.
-- o_ended are those that have ended at once and pass on, o_dead the dead letters, o_granted counts the handed-off ones.
create or replace function onceflow.make_tasks(
    p_due onceflow.placed_task[], p_worker_id uuid, p_token uuid, p_call bigint, p_room int,
    out o_changes onceflow.change[], out o_ended onceflow.placed_task[],
    out o_dead onceflow.task_key[], out o_granted int)
language plpgsql volatile as $$
declare
    v_now timestamptz := onceflow.now();
    v_queues text[] := '{}';
    v_tasks text[] := '{}';
    v_written bigint;
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
        select * from onceflow.decide_tasks(p_due, v_queues, v_tasks, p_room)
    ), written as (
        insert into onceflow.task as t (
            instance_id, step, scope, visit, state, queue, attempt, seq, worker_id, fence, call,
            queued_xid, held_by, due_at, changed_at, input, output, error, reason)
        select d.instance_id, d.step, d.scope, d.visit, d.becomes,
            case when d.becomes <> 'SKIPPED' then d.queue end,
            d.granted::int,
            case when d.becomes in ('SKIPPED', 'SUCCEEDED', 'FAILED') then d.seq end,
            case when d.granted then p_worker_id end,
            case when d.granted then p_token end,
            case when d.granted then p_call end,
            case d.becomes when 'QUEUED' then pg_current_xact_id() end,
            case d.becomes when 'READY' then 'operator' end,
            case when d.granted then v_now + make_interval(secs => d.timeout) end,
            v_now, case when d.becomes not in ('SUCCEEDED', 'FAILED') then d.value end,
            case when d.becomes in ('SUCCEEDED', 'FAILED') then d.value end, d.error,
            case d.becomes when 'SKIPPED' then 'when' end
        from decided d
        order by d.instance_id, d.step, d.scope, d.visit
        -- A row that is there already, in WAITING, is a join that has counted, or a compensation.
        on conflict (instance_id, step, scope, visit) do update set
            state = excluded.state, queue = excluded.queue, attempt = excluded.attempt,
            seq = excluded.seq, worker_id = excluded.worker_id, fence = excluded.fence,
            call = excluded.call, queued_xid = excluded.queued_xid, held_by = excluded.held_by, due_at = excluded.due_at,
            changed_at = excluded.changed_at, input = excluded.input, output = excluded.output, error = excluded.error,
            reason = excluded.reason
        where t.state = 'WAITING'
        returning t.instance_id
    )
    select coalesce(array_agg(onceflow.task_change(d.instance_id, d.step, d.scope, d.visit, d.granted::int,
            case when d.waits then 'WAITING' end, d.becomes, d.queue,
            case when d.granted then p_worker_id end, d.error, d.seq)), '{}'),
        coalesce(array_agg(onceflow.placed_task(d.instance_id, d.step, d.scope, d.visit,
            d.version_id, d.seq, d.state, d.suspended_at)) filter (
                where d.becomes in ('SKIPPED', 'SUCCEEDED', 'FAILED')), '{}'),
        coalesce(array_agg(row(d.instance_id, d.step, d.scope, d.visit)::onceflow.task_key)
            filter (where d.becomes = 'DEAD_LETTER'), '{}'),
        count(*) filter (where d.granted), (select count(*) from written)
    into o_changes, o_ended, o_dead, o_granted, v_written
    from decided d;
    if v_written <> cardinality(p_due) then
        -- A step comes due once in a scope and visit: this cannot be, and must not be counted.
        raise assert_failure using message = format('%s of %s steps that came due were there already',
            cardinality(p_due) - v_written, cardinality(p_due));
    end if;
end $$;
revoke execute on function onceflow.make_tasks(
    onceflow.placed_task[], uuid, uuid, bigint, int) from public;
