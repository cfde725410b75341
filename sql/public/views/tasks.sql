-- Tasks with their handler and, while they run, the progress that their worker last told.
create or replace view onceflow.tasks as
select t.instance_id, onceflow.task_name(t.step, t.scope, t.visit) as task, t.step, t.scope, t.visit,
    s.kind, t.state, t.seq is null as open, t.queue, s.spec ->> 'task' as handler,
    t.attempt as attempts, t.input, t.output, t.error, t.reason, t.worker_id,
    (select w.progress -> onceflow.idempotency_key(t.instance_id, onceflow.task_name(t.step, t.scope, t.visit))
        from onceflow.worker w where w.id = t.worker_id) as progress,
    t.due_at, t.changed_at, t.seq, t.held_by
from onceflow.task t
join onceflow.instance i on i.id = t.instance_id
join onceflow.step s on s.version_id = i.version_id and s.step = t.step;
