-- What triggers heard and could make nothing of, by code and words: how often, when first and last, and the key of the
-- last one where it is known. Of each trigger the last fifty.
create or replace view onceflow.trigger_failures as
select w.name as workflow, f.trigger, t.kind, f.id, f.code, f.message, f.key, f.times, f.first_at, f.last_at
from onceflow.trigger_failure f
join onceflow.workflow w on w.id = f.workflow_id
join onceflow.trigger t on t.workflow_id = f.workflow_id and t.trigger = f.trigger;
