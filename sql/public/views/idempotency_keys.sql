-- The keys that instances were started with: `start_instances` with one of them finds its instance again.
create or replace view onceflow.idempotency_keys as
select w.name as workflow, k.key, k.instance_id
from onceflow.idempotency_key k
join onceflow.workflow w on w.id = k.workflow_id;
