-- make_tasks(ids, due, worker, token, call, room) -> change[]   (internal)
-- Makes the rows of steps that are due, with their input evaluated now, once: QUEUED; SKIPPED by
-- their own `when`; READY in a suspended instance; DEAD_LETTER where an expression fails; RUNNING
-- where they are handed off: up to p_room of them, on the queues of a live worker, under its token.
create or replace function onceflow.make_tasks(
    p_ids uuid[], p_due onceflow.task_key[], p_worker_id uuid, p_token uuid, p_call bigint, p_room int)
returns onceflow.change[]
language plpgsql volatile set search_path = '' as $$
declare
    v_now timestamptz := onceflow.now();
    v_evaluated onceflow.evaluated_task[] := onceflow.evaluate_due(p_ids, p_due);
    v_queues text[] := '{}';
    v_changes onceflow.change[];
begin
    if cardinality(p_due) = 0 then
        return '{}';
    end if;
    if p_room > 0 then
        v_queues := array(
            select unnest(w.queues) from onceflow.worker w
            where w.id = p_worker_id and w.state = 'live' and w.lease_until > clock_timestamp());
    end if;
    with made as (
        select e.*, i.seq + 1 as seq, coalesce(s.spec ->> 'queue', 'default') as queue,
            (s.spec ->> 'timeout')::float8 as timeout,
            case
                when e.error is not null then 'DEAD_LETTER'
                when not e.runs then 'SKIPPED'
                when not onceflow.may_run(i.state, i.suspended_at, s.kind) then 'READY'
                else 'QUEUED'
            end as state
        from unnest(v_evaluated) e
        cross join lateral (
            select i.version_id, i.seq, i.state, i.suspended_at from onceflow.instance i
            where i.id = e.instance_id and i.id between p_ids[1] and p_ids[cardinality(p_ids)] offset 0) i
        cross join lateral (
            select s.kind, s.spec from onceflow.step s
            where s.version_id = i.version_id and s.step = e.step offset 0) s
    ), ranked as (
        select m.*, row_number() over (
            partition by m.fits order by m.instance_id, m.step, m.scope, m.visit) as place
        from (
            -- Nothing is handed off in an instance that a failed expression may close in this call.
            select m.*, m.state = 'QUEUED' and m.queue = any (v_queues)
                and not bool_or(m.state = 'DEAD_LETTER') over (partition by m.instance_id) as fits
            from made m) m
    ), decided as (
        select r.*, r.fits and r.place <= p_room as granted from ranked r
    ), written as (
        insert into onceflow.task as t (
            instance_id, step, scope, visit, state, queue, attempt, seq, worker_id, fence, call,
            queued_xid, due_at, changed_at, input, error, reason)
        select d.instance_id, d.step, d.scope, d.visit,
            case when d.granted then 'RUNNING' else d.state end,
            case when d.state in ('QUEUED', 'READY', 'DEAD_LETTER') then d.queue end,
            case when d.granted then 1 else 0 end,
            case when d.state = 'SKIPPED' then d.seq end,
            case when d.granted then p_worker_id end,
            case when d.granted then p_token end,
            case when d.granted then p_call end,
            case when d.state = 'QUEUED' and not d.granted then pg_current_xact_id() end,
            case when d.granted then v_now + make_interval(secs => d.timeout) end,
            v_now, case when d.error is null then d.input end, d.error,
            case when d.state = 'SKIPPED' then 'when' end
        from decided d
        order by d.instance_id, d.step, d.scope, d.visit
        on conflict (instance_id, step, scope, visit) do update set
            state = excluded.state, queue = excluded.queue, attempt = excluded.attempt,
            seq = excluded.seq, worker_id = excluded.worker_id, fence = excluded.fence,
            call = excluded.call, queued_xid = excluded.queued_xid, due_at = excluded.due_at,
            changed_at = excluded.changed_at, input = excluded.input, error = excluded.error,
            reason = excluded.reason
        where t.state = 'WAITING'
        -- A row that was there in WAITING is a join that has counted, or a compensation.
        returning t.instance_id, t.step, t.scope, t.visit, t.attempt, t.state, t.worker_id, t.queue,
            t.error, t.passed > 0 or t.undoes_seq is not null as waited
    )
    select coalesce(array_agg(row(w.instance_id, w.step, w.scope, w.visit, w.attempt,
        case when w.waited then 'WAITING' end, w.state,
        (w.state <> 'SKIPPED')::int - w.waited::int,
        w.worker_id, w.queue, w.error)::onceflow.change), '{}')
    into v_changes
    from written w;
    return v_changes;
end $$;
revoke execute on function onceflow.make_tasks(uuid[], onceflow.task_key[], uuid, uuid, bigint, int) from public;
