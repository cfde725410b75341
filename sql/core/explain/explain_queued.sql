-- explain_queued(task, step) -> explanation   (internal)
-- Of a QUEUED task: is its message on its way, and is anybody there to take it? A worker is busy whose attempts,
-- or the handlers that it has told of, take all of its slots.
create or replace function onceflow.explain_queued(p_task onceflow.task, p_step onceflow.step)
returns onceflow.explanation
language plpgsql stable as $$
declare
    v_waits interval := onceflow.now() - p_task.changed_at;
    v_age text := round(extract(epoch from v_waits)) || ' s';
    v_turns boolean := (select h.turns from onceflow.heartbeat h);
    v_deployment onceflow.deployment;
    v_outbox onceflow.outbox;
    v_able record;
    v_paused onceflow.explanation;
begin
    select * into v_deployment from onceflow.deployment;
    v_paused := onceflow.explain_paused(p_task.queue);
    if v_paused.because is not null then
        return v_paused;
    end if;
    select * into v_outbox from onceflow.outbox o
    where o.kind = 'task' and o.queued_xid = p_task.queued_xid and split_part(o.key, '/', 1) = p_task.instance_id::text
    limit 1;
    if v_deployment.transport = 'switching' then
        return row('waits while the transport of the deployment is switched; finish that',
            'transport', jsonb_build_object('transport', v_deployment.towards))::onceflow.explanation;
    elsif v_deployment.transport = 'postgres' and v_outbox.id is null then
        return row(format('queued for %s, and its message is gone (see onceflow.quarantined); suspend and resume its '
            'instance, which makes another', v_age),
            'resend', jsonb_build_object('instance', p_task.instance_id))::onceflow.explanation;
    elsif v_deployment.transport = 'kafka' and v_outbox.id is not null then
        return row(format('message not shipped for %s%s%s', v_age,
                coalesce(' (' || v_outbox.tries || ' tries, last ' || v_outbox.error || ')', ''),
                case when not v_turns then ': no relay is running; start one'
                    when v_waits > interval '10 seconds' then ': a relay is running, and its log says why'
                    else '' end),
            case when not v_turns then 'relay' end, case when not v_turns then '{}'::jsonb end)::onceflow.explanation;
    end if;

    select count(*) as workers, count(*) filter (where w.busy) as busy, count(w.busy) as known,
        sum(w.slots) as slots, bool_or(w.reached) as reached
    into v_able
    from (
        select s.slots, greatest(s.told, (
                select count(*) from onceflow.task t where t.worker_id = w.id and t.state = 'RUNNING')) >= s.slots as busy,
            coalesce(w.stats -> 'without_partitions' <= to_jsonb(extract(epoch from w.lease)), true) as reached
        from onceflow.worker w
        cross join lateral (
            select case when jsonb_typeof(w.stats -> 'slots') = 'number' then (w.stats ->> 'slots')::numeric end as slots,
                case when jsonb_typeof(w.stats -> 'busy') = 'number' then (w.stats ->> 'busy')::numeric end as told) s
        where w.state = 'live' and w.lease_until > clock_timestamp()
            and p_task.queue = any (w.queues) and p_step.handler = any (w.tasks)) w;
    if v_able.workers = 0 then
        return onceflow.explain_missing(p_task.queue, p_step.handler);
    elsif v_deployment.transport = 'kafka' and not v_able.reached then
        return row(format('no live worker of queue %s has a partition in Kafka for longer than a lease: they join their '
            'group anew by themselves; is the broker well?', quote_ident(p_task.queue)), null, null)::onceflow.explanation;
    elsif v_able.busy = v_able.workers then
        return row(format('queued on %s for %s: its workers are busy, with all of their %s slots',
            quote_ident(p_task.queue), v_age, v_able.slots), null, null)::onceflow.explanation;
    end if;
    return row(format('queued on %s for %s', quote_ident(p_task.queue), v_age)
        || case v_deployment.transport when 'kafka' then ', its message shipped: it is on its way to a worker'
            || case when v_able.busy > 0 then ' (some are busy)' else '' end
            || ', or was lost, and is shipped again' || case when v_turns then '' else ' once a relay runs' end
            else ': a worker takes it ' || case when v_able.known = v_able.workers
                then 'with its next look' else 'as soon as it has room' end end,
        null, null)::onceflow.explanation;
end $$;
revoke execute on function onceflow.explain_queued(onceflow.task, onceflow.step) from public;
