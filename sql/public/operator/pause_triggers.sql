-- pause_triggers(workflows, triggers) -> (workflow, trigger, outcome, detail)
-- Lets entries of `on` start nothing: of a schedule the times pass by that it has planned meanwhile. outcome: done | unknown.
-- Errors: WF002 arrays that differ in length.
create or replace function onceflow.pause_triggers(p_workflows text[], p_triggers text[])
returns table (workflow text, trigger text, outcome text, detail text)
language plpgsql volatile security definer set search_path = pg_catalog, pg_temp as $$
#variable_conflict use_column
begin
    perform onceflow.lock_triggers(p_workflows, p_triggers);
    perform onceflow.record_audit('pause_triggers', 'trigger', array_agg(w.name order by w.name, t.trigger),
        array_agg(t.trigger order by w.name, t.trigger))
    from onceflow.trigger t join onceflow.workflow w on w.id = t.workflow_id
    where (w.name, t.trigger) in (select * from unnest(p_workflows, p_triggers)) and t.paused_at is null;
    return query
    with changed as (
        update onceflow.trigger t
        set paused_at = coalesce(t.paused_at, onceflow.now()), due_at = null, turn = t.turn + 1
        from onceflow.workflow w
        where w.id = t.workflow_id and (w.name, t.trigger) in (select * from unnest(p_workflows, p_triggers))
        returning w.name, t.trigger, t.paused_at
    )
    select k.workflow, k.trigger, case when c.name is null then 'unknown' else 'done' end,
        coalesce('paused since ' || onceflow.time_text(c.paused_at), 'the workflow has no such entry of `on`')
    from unnest(p_workflows, p_triggers) with ordinality k (workflow, trigger, n)
    left join changed c on c.name = k.workflow and c.trigger = k.trigger
    order by k.n;
end $$;
revoke execute on function onceflow.pause_triggers(text[], text[]) from public;
