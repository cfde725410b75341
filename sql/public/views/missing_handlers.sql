-- Tasks that wait for a handler which no live worker of their queue has: a worker was not started with the
-- --import of its module, or is of another release.
create or replace view onceflow.missing_handlers as
select h.handler, h.queue, h.waiting, h.since
from (
    select s.handler, t.queue, count(*) as waiting, min(t.changed_at) as since
    from onceflow.task t
    join onceflow.instance i on i.id = t.instance_id
    join onceflow.step s on s.version_id = i.version_id and s.step = t.step
    where t.held_by = 'handler'
    group by s.handler, t.queue) h
where not exists (
    select from onceflow.worker w
    where w.state = 'live' and w.lease_until > clock_timestamp()
        and h.queue = any (w.queues) and h.handler = any (w.tasks));
