-- Workers: live ones, and for a day those that stopped or were declared dead.
create or replace view onceflow.workers as
select w.id, w.name, w.queues, w.tasks, w.state, w.lease_until,
    (select count(*) from onceflow.task t where t.worker_id = w.id and t.state = 'RUNNING') as running,
    w.stats, w.progress, w.registered_at, w.ended_at
from onceflow.worker w;
