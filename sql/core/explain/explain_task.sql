-- explain_task(task, step) -> text   (internal)
-- Why one open task is not further, in words.
create or replace function onceflow.explain_task(p_task onceflow.task, p_step onceflow.step)
returns text
language plpgsql stable as $$
declare
    v_age text := round(extract(epoch from onceflow.now() - p_task.changed_at)) || ' s';
    v_worker onceflow.worker;
    v_error text := coalesce(format('%s: %s', p_task.error ->> 'code', p_task.error ->> 'message'), 'no error');
    v_outbox onceflow.outbox;
    v_transport text := (select d.transport from onceflow.deployment d);
begin
    case p_task.state
    when 'WAITING' then
        return case when p_task.undoes_seq is not null
            then 'waits for its turn: compensations run one by one, the last step first'
            else format('waits for %s of the %s steps that it joins',
                p_step.join_count - p_task.passed, p_step.join_count) end;
    when 'READY' then
        if p_task.held_by = 'operator' then
            return 'held back by the suspension of its instance';
        elsif exists (select from onceflow.worker w where w.state = 'live' and w.lease_until > clock_timestamp()
            and p_task.queue = any (w.queues) and p_step.handler = any (w.tasks))
        then
            return format('waits until %s for a worker that has the task %s as it is called here; the last one was '
                'of another release', p_task.due_at, p_step.handler);
        end if;
        return format('no live worker has the task %s, on queue %s: start one that imports its module',
            p_step.handler, quote_ident(p_task.queue));
    when 'RETRYING' then
        return format('waits until %s for its next attempt; attempt %s failed with %s',
            p_task.due_at, p_task.attempt, v_error);
    when 'DEAD_LETTER' then
        return format('dead letter after %s attempt%s: %s. Mend the cause, then '
            'select * from onceflow.redrive_dead_letters(array[%L::uuid], array[%L])',
            p_task.attempt, case p_task.attempt when 1 then '' else 's' end, v_error, p_task.instance_id,
            onceflow.task_name(p_task.step, p_task.scope, p_task.visit));
    when 'RUNNING' then
        select * into v_worker from onceflow.worker w where w.id = p_task.worker_id;
        return format('attempt %s runs for %s on worker %s%s%s', p_task.attempt, v_age,
            coalesce(v_worker.name, p_task.worker_id::text),
            case when v_worker.state is distinct from 'live' then ', which is ' || coalesce(v_worker.state, 'gone')
                || ': the next tick gives it out again'
                when v_worker.lease_until < clock_timestamp() then ', whose lease ran out at ' || v_worker.lease_until
                else '' end,
            coalesce(', times out at ' || p_task.due_at, ''));
    else
        null;
    end case;

    -- QUEUED: is the message on its way, and is anybody there to take it?
    select * into v_outbox from onceflow.outbox o
    where o.kind = 'task' and o.queued_xid = p_task.queued_xid and split_part(o.key, '/', 1) = p_task.instance_id::text
    limit 1;
    if v_transport = 'switching' then
        return 'the transport of the deployment is being switched: onceflow transport finishes it';
    elsif v_transport = 'postgres' and v_outbox.id is null then
        return format('queued for %s, and its message is gone: see onceflow.quarantined', v_age);
    elsif v_transport = 'kafka' and v_outbox.id is not null then
        return format('message not shipped for %s%s: is a relay running?', v_age,
            coalesce(' (' || v_outbox.tries || ' tries, last ' || v_outbox.error || ')', ''));
    elsif not exists (select from onceflow.worker w where w.state = 'live'
        and w.lease_until > clock_timestamp() and p_task.queue = any (w.queues))
    then
        return format('queue %s has no live worker: start one with onceflow worker --queues %s',
            quote_ident(p_task.queue), p_task.queue);
    elsif not exists (select from onceflow.worker w where w.state = 'live'
        and p_task.queue = any (w.queues) and p_step.handler = any (w.tasks))
    then
        return format('no live worker has the task %s, on queue %s: start one that imports its module',
            p_step.handler, quote_ident(p_task.queue));
    elsif v_transport = 'kafka' and not exists (select from onceflow.worker w where w.state = 'live'
        and p_task.queue = any (w.queues)
        and coalesce(w.stats -> 'without_partitions' <= to_jsonb(extract(epoch from w.lease)), true))
    then
        return format('no live worker of queue %s has a partition in Kafka for longer than a lease: they join their '
            'group anew by themselves; is the broker well?', quote_ident(p_task.queue));
    end if;
    return format('queued on %s for %s%s', quote_ident(p_task.queue), v_age,
        case v_transport when 'kafka' then ', its message shipped: workers are busy, or it was lost and '
            'will be shipped again' else ': workers are busy' end);
end $$;
revoke execute on function onceflow.explain_task(onceflow.task, onceflow.step) from public;
