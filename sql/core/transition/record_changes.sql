-- record_changes(sorted ids, changes, succeeded, now) -> void   (internal)
-- The one place that writes the task log, the outbox and the instance's counters, for finish_transition():
-- what became QUEUED gets a message, what became a dead letter an event. p_succeeded are the outputs of
-- those instances that succeed with these changes: they end in the same update.
create or replace function onceflow.record_changes(
    p_ids uuid[], p_changes onceflow.change[], p_succeeded onceflow.evaluated_output[],
    p_now timestamptz default onceflow.now())
returns void
language plpgsql volatile as $$
declare
    v_first constant onceflow.change := p_changes[1];
    v_second constant onceflow.change := p_changes[2];
    v_all record;
    v_queues text[];
begin
    -- Those of one instance, without a dead letter or what was held: one or two are looked at by name, more in one look.
    if cardinality(p_ids) = 1 and cardinality(p_changes) between 1 and 2 then
        if onceflow.stands_alone(v_first) and (v_second.state is null or onceflow.stands_alone(v_second)) then
            perform onceflow.record_alone(p_changes, v_first.opened + coalesce(v_second.opened, 0),
                greatest(v_first.scope, v_second.scope), 'QUEUED' in (v_first.state, v_second.state), p_succeeded, p_now);
            return;
        end if;
    elsif cardinality(p_ids) = 1 and cardinality(p_changes) > 2 then
        select bool_and(onceflow.stands_alone(c)) as alone, bool_or(c.state = 'QUEUED') as queued,
            sum(c.opened)::int as opened, max(c.scope) as scope
        into v_all from unnest(p_changes) c;
        if v_all.alone then
            perform onceflow.record_alone(p_changes, v_all.opened, v_all.scope, v_all.queued, p_succeeded, p_now);
            return;
        end if;
    end if;
    with logged as (
        insert into onceflow.task_log (
            instance_id, seq, n, step, scope, visit, attempt, state, worker_id, error, at)
        select c.instance_id,
            coalesce(c.seq, (
                select i.seq + 1 from onceflow.instance i
                where i.id = c.instance_id and i.id between p_ids[1] and p_ids[cardinality(p_ids)])),
            c.n,
            c.step, c.scope, c.visit, c.attempt, c.state, c.worker_id, c.error, p_now
        from unnest(p_changes) with ordinality c (instance_id, step, scope, visit, attempt,
            was, state, opened, worker_id, queue, error, seq, n)
    ), counted as (
        update onceflow.instance i
        set seq = i.seq + 1,
            open_tasks = i.open_tasks + d.opened,
            scopes = greatest(i.scopes, d.scopes),
            state = case when d.done then 'SUCCEEDED' else i.state end,
            output = d.output,
            ended_at = case when d.done then p_now else i.ended_at end,
            deadline_at = case when not d.done then i.deadline_at end,
            suspended_at = case when not d.done then i.suspended_at end,
            suspended_by = case when not d.done then i.suspended_by end
        from (
            select c.instance_id, sum(c.opened) as opened, max(c.scope) as scopes, bool_or(c.done) as done,
                (array_agg(c.output) filter (where c.done))[1] as output
            from (
                select c.instance_id, c.opened, c.scope, false as done, null::jsonb as output
                from unnest(p_changes) c
                union all
                select s.instance_id, 0, null, true, s.value from unnest(p_succeeded) s) c
            group by c.instance_id) d
        where i.id = d.instance_id and i.id >= p_ids[1]
        returning i.id, i.trace
    ), traces as (
        -- Of the instances that have one: their messages carry it.
        select jsonb_object_agg(c.id, c.trace) as traces from counted c where c.trace is not null
    ), sent as (
        insert into onceflow.outbox (kind, topic, key, value, headers, queued_xid, made_at)
        select case c.state when 'QUEUED' then 'task' else 'dead_letter' end,
            case c.state when 'QUEUED' then c.queue else 'dead-letters' end,
            -- Its key leads to a partition of its instance, whose worker may lack the handler of what was held:
            -- that goes anywhere, with the name of its handler, by which take_tasks() leaves it to others.
            c.instance_id::text || case c.was when 'READY' then '/' || md5(random()::text) else '' end,
            (onceflow.task_message(c.instance_id, c.step, c.scope, c.visit)
                || case c.state when 'QUEUED' then '{}' else
                    jsonb_build_object('attempts', c.attempt, 'error', c.error - 'detail',
                        'labels', coalesce(onceflow.labels_of(c.instance_id), '{}')) end)::text,
            case when c.was = 'READY' and c.state = 'QUEUED'
                then onceflow.held_headers(c.instance_id, c.step) else '{}' end
                || coalesce((select t.traces from traces t) -> c.instance_id::text, '{}'),
            pg_current_xact_id(), p_now
        from unnest(p_changes) c
        where c.state = 'QUEUED' or c.state = 'DEAD_LETTER' and c.was is distinct from 'DEAD_LETTER'
            -- Asked only where there is a dead letter.
            and (select d.transport from onceflow.deployment d) <> 'postgres'
        returning kind, topic
    )
    select array_agg(distinct s.topic) into v_queues from sent s where s.kind = 'task';
    if cardinality(v_queues) > 0 then
        perform onceflow.wake_sleepers(array_append(v_queues, '*'));
    end if;
end $$;
revoke execute on function onceflow.record_changes(
    uuid[], onceflow.change[], onceflow.evaluated_output[], timestamptz) from public;
