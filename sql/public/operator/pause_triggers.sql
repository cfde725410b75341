-- pause_triggers(names) -> (trigger, outcome, detail)
-- Lets triggers start nothing until they are resumed: each named by its workflow and its own id, `deploy/push`. A webhook
-- asks its sender to try again. outcome: done (detail says since when) | unknown.
create or replace function onceflow.pause_triggers(p_names text[])
returns table (trigger text, outcome text, detail text)
language plpgsql volatile security definer set search_path = pg_catalog, pg_temp as $$
#variable_conflict use_column
begin
    perform from onceflow.workflow w
    join onceflow.trigger t on t.workflow_id = w.id
    where w.name || '/' || t.trigger = any (p_names)
    order by t.workflow_id, t.trigger for no key update of t;
    return query
    with changed as (
        update onceflow.trigger t
        set paused_at = coalesce(t.paused_at, clock_timestamp())
        from onceflow.workflow w
        where w.id = t.workflow_id and w.name || '/' || t.trigger = any (p_names)
        returning w.name || '/' || t.trigger as name, t.paused_at
    )
    select u.name, case when c.name is null then 'unknown' else 'done' end,
        case when c.name is null then 'there is no such trigger' else 'paused since ' || onceflow.time_text(c.paused_at) end
    from (select distinct n as name from unnest(p_names) n where n is not null) u
    left join changed c on c.name = u.name
    order by u.name;
end $$;
revoke execute on function onceflow.pause_triggers(text[]) from public;
