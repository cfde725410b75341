-- Messages that could not be read, outbox rows that could not be shipped, and records of topics of which nothing could come;
-- released_at: since when such a record is to be taken again. A row is named by its cell and id.
create or replace view onceflow.quarantined as
select q.id, q.source, q.topic, q.partition, q."offset", q.payload, q.reason, q.at,
    (select d.cell from onceflow.deployment d) as cell,
    q.workflow, q.trigger, q.record, q.released_at
from onceflow.quarantine q;
