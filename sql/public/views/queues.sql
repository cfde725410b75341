-- Queues: what waits on them, and how many live workers serve them.
create or replace view onceflow.queues as
select q.name,
    (select count(*) from onceflow.task t where t.queue = q.name and t.queued_xid is not null) as queued,
    (select count(*) from onceflow.worker w where w.state = 'live'
        and w.lease_until > clock_timestamp() and q.name = any (w.queues)) as live_workers
from onceflow.queue q;
