-- Tasks with their handler and, while they run, the progress that their worker last told. path says where a task lies, as
-- a person reads it: `invoices[17]/render`; position is the place of its step in the definition.
create or replace view onceflow.tasks as
select t.instance_id, onceflow.task_name(t.step, t.scope, t.visit) as task, t.step, t.scope, t.visit,
    s.kind, t.state, t.seq is null as open, t.queue, s.spec ->> 'task' as handler,
    t.attempt as attempts, t.input,
    case when s.is_block and t.output is null and t.state = 'SUCCEEDED'
        then onceflow.block_output(t.instance_id, t.step, t.scope, t.visit) else t.output end as output,
    t.error, t.reason, t.worker_id,
    (select w.progress -> onceflow.idempotency_key(t.instance_id, onceflow.task_name(t.step, t.scope, t.visit))
        from onceflow.worker w where w.id = t.worker_id) as progress,
    t.due_at, t.changed_at, t.seq, t.held_by,
    case when t.scope = 0 then '' else onceflow.scope_place(t.instance_id, t.scope) || '/' end
        || t.step || case when t.visit > 0 then '#' || t.visit else '' end as path,
    (s.spec ->> 'position')::int as position
from onceflow.task t
join onceflow.instance i on i.id = t.instance_id
join onceflow.step s on s.version_id = i.version_id and s.step = t.step;
