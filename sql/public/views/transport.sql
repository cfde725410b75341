-- How messages travel to workers: kafka, postgres, or switching.
create or replace view onceflow.transport as
select d.transport
from onceflow.deployment d;
