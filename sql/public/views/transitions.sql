-- The task log: one row a transition; task is null where the instance itself moved. Claims have no seq
-- and n: within a task they come first among the rows of their attempt.
create or replace view onceflow.transitions as
select l.instance_id, l.seq, l.n, onceflow.task_name(l.step, l.scope, l.visit) as task, l.attempt,
    l.state, l.worker_id, l.error, l.at
from onceflow.task_log l;
