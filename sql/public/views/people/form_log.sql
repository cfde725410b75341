-- What people have done with forms: claim, release, reassign, answer; by whom, when, with what.
create or replace view onceflow.form_log as
select d.instance_id, onceflow.task_name(d.step, d.scope, d.visit) as task, d.step, d.name as what, d.payload ->> 'by' as by,
    d.made_at as at, d.payload, d.key, d.id
from onceflow.delivery d
where d.kind = 'form';
