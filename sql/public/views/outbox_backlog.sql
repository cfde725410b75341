-- What waits in the outbox, by kind and topic: to be shipped, or taken by workers where there is no Kafka.
-- Also for: relay.
create or replace view onceflow.outbox_backlog as
select o.kind, o.topic, count(*) as rows, min(o.made_at) as oldest_at,
    count(*) filter (where o.not_before is not null) as deferred,
    (array_agg(o.error order by o.not_before desc) filter (where o.error is not null))[1] as last_error
from onceflow.outbox o
group by o.kind, o.topic;
