-- Tasks that wait for a handler which no live worker of their queue has: a worker was not started with the
-- --import of its module, or is of another release. Two kinds: those that a claim has held, and, once the clock has
-- queued such a one again, those whose message names the handler: without a broker nobody else takes it.
create or replace view onceflow.missing_handlers as
select h.handler, h.queue, sum(h.waiting)::bigint as waiting, min(h.since) as since
from (
    select s.handler, t.queue, count(*) as waiting, min(t.changed_at) as since
    from onceflow.task t
    join onceflow.instance i on i.id = t.instance_id
    join onceflow.step s on s.version_id = i.version_id and s.step = t.step
    where t.held_by = 'handler'
    group by s.handler, t.queue
    union all
    select o.headers ->> 'handler', t.queue, count(*), min(t.changed_at)
    from onceflow.outbox o
    join onceflow.task t on t.queued_xid = o.queued_xid and t.queue = o.topic
        and o.value = jsonb_build_object('instance', t.instance_id,
            'task', onceflow.task_name(t.step, t.scope, t.visit))::text
    where o.kind = 'task' and o.headers ? 'handler'
    group by o.headers ->> 'handler', t.queue) h
where not exists (
    select from onceflow.worker w
    where w.state = 'live' and w.lease_until > clock_timestamp()
        and h.queue = any (w.queues) and h.handler = any (w.tasks))
group by h.handler, h.queue;
