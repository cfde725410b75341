-- trim_runs(workflows, triggers) -> void   (internal)
-- Forgets what came of planned times before the last thousand of each schedule; what is queued or under way stays.
create or replace function onceflow.trim_runs(p_workflows bigint[], p_triggers text[]) returns void
language plpgsql volatile as $$
begin
    delete from onceflow.schedule_run r
    using unnest(p_workflows, p_triggers) k (workflow, trigger)
    where r.workflow_id = k.workflow and r.trigger = k.trigger and r.state <> 'queued' and not r.under_way
        and r.planned_at < (
            select l.planned_at from onceflow.schedule_run l
            where l.workflow_id = k.workflow and l.trigger = k.trigger
            order by l.planned_at desc offset 999 limit 1);
end $$;
revoke execute on function onceflow.trim_runs(bigint[], text[]) from public;
