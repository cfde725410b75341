-- Every version of each value of the configuration: unset where it was taken away then.
create or replace view onceflow.config_history as
select v.name, v.version, v.value, v.value is null as unset, v.set_at, v.set_by
from onceflow.config_value v;
