-- What starts instances by itself: the entries of `on` of the latest version of each workflow. next_at: of a schedule the
-- next time that it has planned, due_at when it is due, with its jitter; null while that is to be computed, or there is none.
-- problem: what is wrong with a topic, as far as a relay has seen.
create or replace view onceflow.triggers as
select w.name as workflow, t.trigger, t.kind, v.version, t.spec, t.paused_at, t.done_until, t.next_at, t.due_at,
    w.disabled_at, t.workflow_id, t.version_id, t.problem
from onceflow.trigger t
join onceflow.workflow w on w.id = t.workflow_id
join onceflow.workflow_version v on v.id = t.version_id;
