-- The task log: one row a transition; task is null where the instance itself moved, or the scope that `scope` names. Claims
-- have no seq and n: within a task they come first among the rows of their attempt. path says where the task or the scope
-- lies, as a person reads it: `invoices[17]/render`.
create or replace view onceflow.transitions as
select l.instance_id, l.seq, l.n, onceflow.task_name(l.step, l.scope, l.visit) as task, l.attempt,
    l.state, l.worker_id, l.error, l.at, l.scope,
    nullif(concat_ws('/', case when l.scope > 0 then onceflow.scope_place(l.instance_id, l.scope) end,
        l.step || case when l.visit > 0 then '#' || l.visit else '' end), '') as path
from onceflow.task_log l;
