-- Queues: what waits on them, how many live workers serve them, and since when they are paused.
create or replace view onceflow.queues as
select q.name,
    (select count(*) from onceflow.task t where t.queue = q.name and t.queued_xid is not null) as queued,
    (select count(*) from onceflow.worker w where w.state = 'live'
        and w.lease_until > clock_timestamp() and q.name = any (w.queues)) as live_workers,
    q.paused_at
from onceflow.queue q;
