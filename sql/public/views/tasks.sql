-- Tasks with their handler and, while they run, the progress that their worker last told. path says where a task lies, as
-- a person reads it: `invoices[17]/render`; position is the place of its step in the definition; child is the last instance
-- that it has started and waits for, whose id is of the millisecond of its own. start_by and end_by are the limits of its step
-- that it is under.
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
    (s.spec ->> 'position')::int as position,
    case when s.kind = 'workflow' then (
        select c.instance_id from onceflow.child c
        where c.parent_id = t.instance_id and c.step = t.step and c.scope = t.scope and c.visit = t.visit
            and c.instance_id between (left(t.instance_id::text, 13) || '-0000-0000-000000000000')::uuid
                and (left(t.instance_id::text, 13) || '-ffff-ffff-ffffffffffff')::uuid
        order by c.n desc limit 1) end as child,
    case when t.state in ('QUEUED', 'READY') then t.start_by end as start_by,
    case when t.seq is null and t.state <> 'DEAD_LETTER' then t.end_by end as end_by
from onceflow.task t
join onceflow.instance i on i.id = t.instance_id
join onceflow.step s on s.version_id = i.version_id and s.step = t.step;
