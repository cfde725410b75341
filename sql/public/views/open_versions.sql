-- Versions with instances that have not ended, and how many: what a release has to go on serving.
create or replace view onceflow.open_versions as
select w.name as workflow, v.version, i.instances, i.oldest, v.id as version_id
from (
    select o.version_id, count(*) as instances, min(o.started_at) as oldest
    from onceflow.instance o
    where o.state in ('RUNNING', 'CLOSING', 'COMPENSATING')
    group by o.version_id) i
join onceflow.workflow_version v on v.id = i.version_id
join onceflow.workflow w on w.id = v.workflow_id;
