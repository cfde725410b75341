-- Every version of every workflow, with its definition as it was written. signals: those that it declares, each null or
-- {schema, checks, unchecked} of its payload; null where it takes any.
create or replace view onceflow.workflow_versions as
select w.id as workflow_id, w.name, v.version, v.definition, v.input_schema, v.created_at,
    v.id as version_id, v.input_unchecked, v.search, v.signals
from onceflow.workflow w
join onceflow.workflow_version v on v.workflow_id = w.id;
