-- Messages that could not be read and outbox rows that could not be shipped.
create or replace view onceflow.quarantined as
select q.id, q.source, q.topic, q.partition, q."offset", q.payload, q.reason, q.at
from onceflow.quarantine q;
