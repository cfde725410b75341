-- resume_triggers(workflows, triggers) -> (workflow, trigger, outcome, detail)
-- Lets entries of `on` start instances again that pause_triggers() had stopped: of a schedule those times that it plans from
-- now on, and those that were queued before. outcome: done | unknown.
-- Errors: WF002 arrays that differ in length.
create or replace function onceflow.resume_triggers(p_workflows text[], p_triggers text[])
returns table (workflow text, trigger text, outcome text, detail text)
language plpgsql volatile security definer set search_path = pg_catalog, pg_temp as $$
#variable_conflict use_column
begin
    perform onceflow.lock_triggers(p_workflows, p_triggers);
    perform onceflow.record_audit('resume_triggers', 'trigger', array_agg(w.name order by w.name, t.trigger),
        array_agg(t.trigger order by w.name, t.trigger))
    from onceflow.trigger t join onceflow.workflow w on w.id = t.workflow_id
    where (w.name, t.trigger) in (select * from unnest(p_workflows, p_triggers)) and t.paused_at is not null;
    update onceflow.trigger t
    set paused_at = null, turn = t.turn + 1,
        done_until = case t.kind when 'schedule' then onceflow.now() end, next_at = null,
        due_at = case t.kind when 'schedule' then '-infinity'::timestamptz end
    from onceflow.workflow w
    where w.id = t.workflow_id and (w.name, t.trigger) in (select * from unnest(p_workflows, p_triggers))
        and t.paused_at is not null;
    return query
    select k.workflow, k.trigger, case when t.trigger is null then 'unknown' else 'done' end,
        case when t.trigger is null then 'the workflow has no such entry of `on`' else 'it may start instances' end
    from unnest(p_workflows, p_triggers) with ordinality k (workflow, trigger, n)
    left join (onceflow.trigger t join onceflow.workflow w on w.id = t.workflow_id)
        on w.name = k.workflow and t.trigger = k.trigger
    order by k.n;
end $$;
revoke execute on function onceflow.resume_triggers(text[], text[]) from public;
