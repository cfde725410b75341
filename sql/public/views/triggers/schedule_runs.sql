-- What has come of the times that schedules had planned, that a backfill (cause backfill) or a person (manual) has asked for:
-- queued, started, skipped since another was under way, missed, refused with an error. Of missed times that follow each
-- other there is one row: planned_at is the first, until the last, count how many (null: not counted).
create or replace view onceflow.schedule_runs as
select w.name as workflow, r.trigger, r.planned_at, r.cause, r.state, r.instance_id, i.state as instance_state,
    i.ended_at, r.at, r.until, r.count, r.error, r.workflow_id
from onceflow.schedule_run r
join onceflow.workflow w on w.id = r.workflow_id
left join onceflow.instance i on i.id = r.instance_id;
