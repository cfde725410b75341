-- What instances are found by, of the fields that their workflow's `search` names: by field and value, in the order of
-- instance_id, it is one look into an index; so are labels, under their name behind an @: `@customer`. A number has no trailing zeros; of a value longer than 255 bytes it is the
-- sha256, in hexadecimal.
create or replace view onceflow.search_values as
select s.field, s.value, s.instance_id, w.name as workflow
from onceflow.search_value s
join onceflow.workflow w on w.id = s.workflow_id;
