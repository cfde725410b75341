-- Dead letters: open while a person can still redrive, skip or discard them, else records. path says where a task lies, as
-- a person reads it: `invoices[17]/render`; blocks are the steps around its own, from the inside out. takes: what a
-- redrive takes, as redrive_takes() says.
create or replace view onceflow.dead_letters as
select t.instance_id, onceflow.task_name(t.step, t.scope, t.visit) as task, w.name as workflow,
    v.version, t.step, t.queue, t.attempt as attempts, t.input, t.error, t.seq is null as open,
    t.changed_at as died_at, t.scope,
    case when t.scope = 0 then '' else onceflow.scope_place(t.instance_id, t.scope) || '/' end
        || t.step || case when t.visit > 0 then '#' || t.visit else '' end as path,
    array(
        with recursive around as (
            -- A compensation stands where the step does that it undoes.
            select s.block from onceflow.step s
            where s.version_id = i.version_id
                and s.step = case when t.undoes_seq is null then t.step else left(t.step, -length('.compensate')) end
            union all
            select s.block from around a join onceflow.step s on s.version_id = i.version_id and s.step = a.block
        )
        select a.block from around a where a.block is not null) as blocks,
    onceflow.redrive_takes(s.kind, t.error) as takes
from onceflow.task t
join onceflow.instance i on i.id = t.instance_id
join onceflow.workflow_version v on v.id = i.version_id
join onceflow.workflow w on w.id = v.workflow_id
join onceflow.step s on s.version_id = i.version_id and s.step = t.step
where t.state = 'DEAD_LETTER';
