-- resume_triggers(names) -> (trigger, outcome, detail)
-- Lets triggers that were paused start instances again; named as in pause_triggers(). outcome: done | unknown.
create or replace function onceflow.resume_triggers(p_names text[])
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
        set paused_at = null
        from onceflow.workflow w
        where w.id = t.workflow_id and w.name || '/' || t.trigger = any (p_names)
        returning w.name || '/' || t.trigger as name
    )
    select u.name, case when c.name is null then 'unknown' else 'done' end,
        case when c.name is null then 'there is no such trigger' else '' end
    from (select distinct n as name from unnest(p_names) n where n is not null) u
    left join changed c on c.name = u.name
    order by u.name;
end $$;
revoke execute on function onceflow.resume_triggers(text[]) from public;
