-- Messages that could not be read and outbox rows that could not be shipped. A row is named by its cell and id.
create or replace view onceflow.quarantined as
select q.id, q.source, q.topic, q.partition, q."offset", q.payload, q.reason, q.at,
    (select d.cell from onceflow.deployment d) as cell
from onceflow.quarantine q;
