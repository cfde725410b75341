-- The configuration of the deployment: what $config.NAME gives in definitions, since when, and by whom.
create or replace view onceflow.config_values as
select c.name, c.value, c.version, c.set_at, c.set_by
from (
    select distinct on (v.name) v.name, v.value, v.version, v.set_at, v.set_by
    from onceflow.config_value v order by v.name, v.version desc) c
where c.value is not null;
