-- Dead letters: open while a person can still redrive, skip or discard them, else records.
create or replace view onceflow.dead_letters as
select t.instance_id, onceflow.task_name(t.step, t.scope, t.visit) as task, w.name as workflow,
    v.version, t.step, t.queue, t.attempt as attempts, t.input, t.error, t.seq is null as open,
    t.changed_at as died_at
from onceflow.task t
join onceflow.instance i on i.id = t.instance_id
join onceflow.workflow_version v on v.id = i.version_id
join onceflow.workflow w on w.id = v.workflow_id
where t.state = 'DEAD_LETTER';
