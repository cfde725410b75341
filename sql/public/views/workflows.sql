-- Workflows with their latest version, and since when they are disabled for new starts.
create or replace view onceflow.workflows as
select w.id, w.name, v.version, v.created_at, w.disabled_at
from onceflow.workflow w
cross join lateral (
    select v.version, v.created_at from onceflow.workflow_version v
    where v.workflow_id = w.id order by v.version desc limit 1) v;
