-- version_to_start(workflow, version) -> id, workflow's id, deadline, checks, searched, labelled, disabled at   (internal)
-- What a start is told of a version, the latest unless one is given: what is checked of its inputs, whether instances are found
-- by fields of theirs, and have labels, and since when its workflow is disabled for new starts. Not all of its row, since
-- that has the definition, however long.
-- Errors: WF001 where the workflow or the version does not exist.
create or replace function onceflow.version_to_start(
    p_workflow text, p_version int, out o_id bigint, out o_workflow_id bigint, out o_deadline interval, out o_checks jsonb,
    out o_searched boolean, out o_labelled boolean, out o_disabled_at timestamptz)
language plpgsql stable as $$
begin
    select v.id, v.workflow_id, v.deadline, v.input_checks, v.search is not null, v.labels is not null, w.disabled_at
    into o_id, o_workflow_id, o_deadline, o_checks, o_searched, o_labelled, o_disabled_at
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
end $$;
revoke execute on function onceflow.version_to_start(text, int) from public;
