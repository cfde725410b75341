-- How it is doing now, as metrics: a name, its labels, a value. Every count stops at 10,000, so that asking costs the same
-- whatever there is; docs/monitoring.md says what each means.
-- Also for: relay.
create or replace view onceflow.gauges as
with queued as (
    select q.name as queue, q.paused_at,
        (select count(*) from (
            select from onceflow.task t where t.queue = q.name and t.queued_xid is not null limit 10000) t) as waiting,
        (select t.changed_at from onceflow.task t
            where t.queue = q.name and t.queued_xid is not null order by t.queued_xid limit 1) as since
    from onceflow.queue q
), running as (
    select t.queue, count(*) as running, min(t.changed_at) as since
    from (select t.queue, t.changed_at from onceflow.task t where t.worker_id is not null limit 10000) t
    group by t.queue
), serving as (
    select q.queue, count(*) as workers
    from onceflow.worker w cross join unnest(w.queues) q (queue)
    where w.state = 'live' and w.lease_until > clock_timestamp()
    group by q.queue
), due as (
    select min(d.due_at) as at from (
        (select t.due_at from onceflow.task t
        where t.due_at is not null and (t.attempt > 0 or t.held_by is not null or t.input is not null)
        order by t.due_at limit 1)
        union all
        (select t.due_at from onceflow.task t
        where t.due_at is not null and t.attempt = 0 and t.held_by is null and t.input is null
        order by t.due_at limit 1)) d
), waits as (
    select w.kind, count(*) as n from (select w.kind from onceflow.wait w limit 10000) w group by w.kind
), held as (
    select t.held_by, count(*) as n
    from (select t.held_by from onceflow.task t where t.held_by is not null limit 10000) t group by t.held_by
), open as (
    select s.state, (
        select count(*) from (
            select from onceflow.instance i where i.state = s.state limit 10000) i) as n
    from unnest('{RUNNING,CLOSING,COMPENSATING}'::text[]) s (state)
)
select 'queue_waiting' as name, jsonb_build_object('queue', q.queue) as labels, q.waiting::float8 as value from queued q
union all
select 'queue_oldest_seconds', jsonb_build_object('queue', q.queue),
    coalesce(greatest(extract(epoch from clock_timestamp() - q.since), 0), 0)::float8 from queued q
union all
select 'queue_paused', jsonb_build_object('queue', q.queue), (q.paused_at is not null)::int::float8 from queued q
union all
select 'queue_running', jsonb_build_object('queue', q.queue), coalesce(r.running, 0)::float8
from queued q left join running r on r.queue = q.queue
union all
select 'queue_oldest_running_seconds', jsonb_build_object('queue', q.queue),
    coalesce(greatest(extract(epoch from clock_timestamp() - r.since), 0), 0)::float8
from queued q left join running r on r.queue = q.queue
union all
select 'queue_workers', jsonb_build_object('queue', q.queue), coalesce(s.workers, 0)::float8
from queued q left join serving s on s.queue = q.queue
union all
select 'outbox_rows', '{}', count(*)::float8 from (select from onceflow.outbox limit 10000) o
union all
select 'outbox_oldest_seconds', '{}', coalesce((
    select greatest(extract(epoch from clock_timestamp() - o.made_at), 0)
    from onceflow.outbox o order by o.id limit 1), 0)::float8
-- Where workers take their messages themselves the outbox is what waits on the queues.
where (select d.transport from onceflow.deployment d) <> 'postgres'
union all
select 'dead_letters_open', '{}', count(*)::float8 from (
    select from onceflow.task t where t.state = 'DEAD_LETTER' and t.seq is null limit 10000) t
union all
select 'waiting', jsonb_build_object('kind', k.kind), coalesce(w.n, 0)::float8
from unnest('{signal,event,form,child}'::text[]) k (kind) left join waits w on w.kind = k.kind
union all
select 'held', jsonb_build_object('by', k.held_by), coalesce(h.n, 0)::float8
from unnest('{operator,handler,secret,limit,pause}'::text[]) k (held_by) left join held h on h.held_by = k.held_by
union all
select 'instances_open', jsonb_build_object('state', o.state), o.n::float8 from open o
union all
select 'instances_suspended', '{}', count(*)::float8 from (
    select from onceflow.instance i where i.suspended_at is not null limit 10000) i
union all
select 'workers', jsonb_build_object('state', k.state), count(w.id)::float8
from unnest('{live,silent}'::text[]) k (state)
left join onceflow.worker w on w.state = 'live' and (w.lease_until > clock_timestamp()) = (k.state = 'live')
group by k.state
union all
select 'quarantined', '{}', count(*)::float8 from (select from onceflow.quarantine limit 10000) q
union all
select 'heartbeat_age_seconds', '{}', greatest(extract(epoch from clock_timestamp() - c.last_tick_at), 0)::float8
from onceflow.clock c where c.last_tick_at is not null
union all
select 'timers_late_seconds', '{}', coalesce(greatest(extract(epoch from clock_timestamp() - d.at), 0), 0)::float8 from due d
union all
select 'triggers_late_seconds', '{}',
    coalesce(greatest(extract(epoch from clock_timestamp() - min(t.due_at)), 0), 0)::float8
from onceflow.trigger t where t.due_at > '-infinity'
union all
select 'triggers_in_trouble', '{}', count(*)::float8 from onceflow.trigger t where t.problem is not null and t.problem <> ''
union all
select 'topic_lag', jsonb_build_object('workflow', w.name, 'trigger', p.trigger),
    greatest(sum(p.log_end - p.position), 0)::float8
from onceflow.topic_position p join onceflow.workflow w on w.id = p.workflow_id
where p.log_end is not null
group by w.name, p.trigger
union all
select 'partitions_ahead_seconds', '{}', coalesce(extract(epoch from max(
    to_timestamp(right(c.relname::text, 8), 'YYYYMMDD') + interval '7 days') - clock_timestamp()), 0)::float8
from pg_inherits i join pg_class c on c.oid = i.inhrelid
where i.inhparent = 'onceflow.task_log'::regclass and c.relname::text ~ '_[0-9]{8}$'
union all
select 'statistics_late_seconds', '{}', greatest(extract(epoch from clock_timestamp() - c.noted_until), 0)::float8
from onceflow.statistic_clock c;
