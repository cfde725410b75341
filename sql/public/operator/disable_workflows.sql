-- disable_workflows(names) -> (workflow, outcome, detail)
-- Lets no new instances of workflows start, in any version: a start is answered `disabled`. Those that have started
-- go on. outcome: done (detail says since when) | unknown.
create or replace function onceflow.disable_workflows(p_names text[])
returns table (workflow text, outcome text, detail text)
language plpgsql volatile security definer set search_path = pg_catalog, pg_temp as $$
#variable_conflict use_column
declare
    v_changed text[];
begin
    perform from onceflow.workflow w where w.name = any (p_names) order by w.name for no key update;
    v_changed := array(
        select w.name from onceflow.workflow w where w.name = any (p_names) and w.disabled_at is null order by w.name);
    perform onceflow.record_audit('disable_workflows', 'workflow', v_changed);
    return query
    with changed as (
        update onceflow.workflow w
        set disabled_at = coalesce(w.disabled_at, clock_timestamp())
        where w.name = any (p_names)
        returning w.name, w.disabled_at
    )
    select u.name, case when c.name is null then 'unknown' else 'done' end,
        case when c.name is null then 'there is no such workflow' else 'disabled for new starts since ' || onceflow.time_text(c.disabled_at) end
    from (select distinct n as name from unnest(p_names) n where n is not null) u
    left join changed c on c.name = u.name
    order by u.name;
end $$;
revoke execute on function onceflow.disable_workflows(text[]) from public;
