-- find_version(workflow, version) -> version, disabled at   (internal)
-- A version, the latest unless one is given, and since when its workflow is disabled for new starts.
-- Errors: WF001 where the workflow or the version does not exist.
create or replace function onceflow.find_version(
    p_workflow text, p_version int, out o_version onceflow.workflow_version, out o_disabled_at timestamptz)
language plpgsql stable as $$
declare
    v_found record;
begin
    select v as version, w.disabled_at into v_found
    from onceflow.workflow w
    join onceflow.workflow_version v on v.workflow_id = w.id
    where w.name = p_workflow and (p_version is null or v.version = p_version)
    order by v.version desc
    limit 1;
    if not found then
        raise exception 'there is no workflow %', quote_ident(coalesce(p_workflow, ''))
            || coalesce(' in version ' || p_version, '')
            using errcode = 'WF001', hint = 'See onceflow.workflow_versions; deploy it first.';
    end if;
    o_version := v_found.version;
    o_disabled_at := v_found.disabled_at;
end $$;
revoke execute on function onceflow.find_version(text, int) from public;
