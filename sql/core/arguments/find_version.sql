-- find_version(workflow, version) -> workflow_version   (internal)
-- Errors: WF001 where the workflow or the version does not exist.
create or replace function onceflow.find_version(p_workflow text, p_version int)
returns onceflow.workflow_version
language plpgsql stable as $$
declare
    v_version onceflow.workflow_version;
begin
    select v.* into v_version
    from onceflow.workflow w
    join onceflow.workflow_version v on v.workflow_id = w.id
    where w.name = p_workflow and (p_version is null or v.version = p_version)
    order by v.version desc
    limit 1;
    if v_version.id is null then
        raise exception 'there is no workflow %', quote_ident(coalesce(p_workflow, ''))
            || coalesce(' in version ' || p_version, '')
            using errcode = 'WF001', hint = 'See onceflow.workflow_versions; deploy it first.';
    end if;
    return v_version;
end $$;
revoke execute on function onceflow.find_version(text, int) from public;
