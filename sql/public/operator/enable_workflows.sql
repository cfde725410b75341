-- enable_workflows(names) -> (workflow, outcome, detail)
-- Lets instances of workflows start again that disable_workflows() had stopped. outcome: done | unknown.
create or replace function onceflow.enable_workflows(p_names text[])
returns table (workflow text, outcome text, detail text)
language plpgsql volatile security definer set search_path = pg_catalog, pg_temp as $$
#variable_conflict use_column
declare
    v_changed text[];
begin
    perform from onceflow.workflow w where w.name = any (p_names) order by w.name for no key update;
    v_changed := array(
        select w.name from onceflow.workflow w where w.name = any (p_names) and w.disabled_at is not null order by w.name);
    perform onceflow.record_audit('enable_workflows', 'workflow', v_changed);
    return query
    with changed as (
        update onceflow.workflow w
        set disabled_at = null
        where w.name = any (p_names)
        returning w.name, w.disabled_at
    )
    select u.name, case when c.name is null then 'unknown' else 'done' end,
        case when c.name is null then 'there is no such workflow' else 'instances may be started' end
    from (select distinct n as name from unnest(p_names) n where n is not null) u
    left join changed c on c.name = u.name
    order by u.name;
end $$;
revoke execute on function onceflow.enable_workflows(text[]) from public;
