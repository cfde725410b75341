-- Instances with their workflow's name and version; parent_id is the one of which the task parent_task waits for it, root_id
-- the first of its family, all null of a root. Lists order by id: it tells the time, and no two cells make the same. scopes: how many its blocks have made. trigger: the entry of the
-- definition's `on` that started it, scheduled_at: the time that a schedule had planned it for. trace: the W3C trace context that came with its start,
-- trace_id: the trace in which its attempts are where they are traced, that one's or, without one, what follows from its id.
-- labels: by their names, those that definition, start or set_labels() gave it; {} without any.
create or replace view onceflow.instances as
select i.id, w.name as workflow, v.version, i.state, i.closing_as, i.suspended_at, i.suspended_by,
    i.input, i.output, i.error, i.open_tasks, i.seq, i.deadline_at, i.started_at, i.ended_at,
    i.version_id, i.start_at,
    (select min(k.key) from onceflow.idempotency_key k where k.instance_id = i.id) as key,
    i.erased_at, i.erased_by, i.scopes, i.trigger, i.scheduled_at, i.parent_id, i.root_id,
    case when i.parent_id is not null then (
        select onceflow.task_name(c.step, c.scope, c.visit) from onceflow.child c where c.instance_id = i.id) end as parent_task,
    i.trace, coalesce(substr(i.trace ->> 'traceparent', 4, 32), left(encode(sha256(uuid_send(i.id)), 'hex'), 32)) as trace_id,
    coalesce((
        select jsonb_object_agg(substr(s.field, 2), s.value order by s.field) from onceflow.search_value s
        where s.instance_id = i.id and left(s.field, 1) = '@'), '{}') as labels
from onceflow.instance i
join onceflow.workflow_version v on v.id = i.version_id
join onceflow.workflow w on w.id = v.workflow_id;
