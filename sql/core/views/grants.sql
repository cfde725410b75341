-- What workers hold: each task that is RUNNING, with its fence and all that it takes to run it. For the
-- functions that grant: nobody is given access, since a fence proves who holds a task.
create or replace view onceflow.grants as
select t.worker_id, t.fence, t.instance_id, onceflow.task_name(t.step, t.scope, t.visit) as task,
    s.handler, t.queue, t.input, t.attempt, s.timeout,
    onceflow.idempotency_key(t.instance_id, onceflow.task_name(t.step, t.scope, t.visit)) as key,
    s.workflow, s.version, s.kind = 'compensation' as compensation, t.changed_at as since,
    case when i.trace is null then s.extra else onceflow.traced_extra(s.extra, i.trace,
        row(t.instance_id, t.step, t.scope, t.visit)::onceflow.task_key) end as extra
from onceflow.task t
join onceflow.instance i on i.id = t.instance_id
join onceflow.step s on s.version_id = i.version_id and s.step = t.step
where t.worker_id is not null and t.state = 'RUNNING';
