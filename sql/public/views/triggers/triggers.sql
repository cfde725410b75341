-- What starts instances by itself: the entries of `on` of the latest version of each workflow. next_at: of a schedule the
-- next time that it has planned, due_at when it is due, with its jitter; null while that is to be computed, or it is paused.
-- problem: what is wrong with a topic, as far as a relay has seen. late: for how long it is due already, and nobody has started it.
create or replace view onceflow.triggers as
select w.name as workflow, t.trigger, t.kind, v.version, t.spec, t.paused_at, t.done_until, t.next_at,
    nullif(t.due_at, '-infinity') as due_at, w.disabled_at, t.workflow_id, t.version_id, t.problem,
    case when t.due_at > '-infinity' and t.due_at < c.now then c.now - t.due_at
        when t.due_at = '-infinity' and t.done_until < c.now then c.now - t.done_until end as late
from onceflow.trigger t
join onceflow.workflow w on w.id = t.workflow_id
join onceflow.workflow_version v on v.id = t.version_id
cross join (select coalesce((select x.at from onceflow.test_clock x), statement_timestamp()) as now) c;
