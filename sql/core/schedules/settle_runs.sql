-- settle_runs(workflows, triggers) -> void   (internal)
-- Looks at the instances of schedules that were under way when they were last looked at, and notes which have ended, or
-- are not kept any more. The rows of the triggers are locked.
create or replace function onceflow.settle_runs(p_workflows bigint[], p_triggers text[]) returns void
language plpgsql volatile as $$
begin
    update onceflow.schedule_run r
    set under_way = false
    from (select distinct k.workflow, k.trigger from unnest(p_workflows, p_triggers) k (workflow, trigger)) k
    where r.workflow_id = k.workflow and r.trigger = k.trigger and r.under_way
        and not exists (select from onceflow.instance i where i.id = r.instance_id and i.ended_at is null);
end $$;
revoke execute on function onceflow.settle_runs(bigint[], text[]) from public;
