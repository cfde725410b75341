-- Workers: live ones; silent ones, whose lease is over, which the clock declares dead unless it was away itself; and
-- for a day those that stopped or were declared dead.
create or replace view onceflow.workers as
select w.id, w.name, w.queues, w.tasks,
    case when w.state = 'live' and w.lease_until <= clock_timestamp() then 'silent' else w.state end as state,
    w.lease_until,
    (select count(*) from onceflow.task t where t.worker_id = w.id and t.state = 'RUNNING') as running,
    w.stats, w.progress, w.registered_at, w.ended_at
from onceflow.worker w;
