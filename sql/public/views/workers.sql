-- Workers: live ones; silent ones, whose lease is over, which the clock declares dead unless it was away itself; and
-- for a day those that stopped or were declared dead. A live one that has had no partition in Kafka for longer than its
-- lease says in without_partitions for how many seconds.
-- Also for: worker.
create or replace view onceflow.workers as
select w.id, w.name, w.queues, w.tasks,
    case when w.state = 'live' and w.lease_until <= clock_timestamp() then 'silent' else w.state end as state,
    w.lease_until,
    (select count(*) from onceflow.task t where t.worker_id = w.id and t.state = 'RUNNING') as running,
    w.stats, w.progress, w.registered_at, w.ended_at,
    case when w.state = 'live' and w.lease_until > clock_timestamp() then
        case when jsonb_typeof(w.stats -> 'without_partitions') = 'number' then
            case when (w.stats ->> 'without_partitions')::numeric > extract(epoch from w.lease)
                then least((w.stats ->> 'without_partitions')::numeric, 1e9)::integer end end end as without_partitions
from onceflow.worker w;
