-- judge_starts(ids) -> child_start[]   (internal)
-- What is to become of instances that steps of others have told to start, in the order in which they were told, by which one
-- gets a key that several have: of which version, or why they cannot. One that
-- has been told to end since then never begins.
create or replace function onceflow.judge_starts(p_ids uuid[]) returns onceflow.child_start[]
language plpgsql stable as $$
begin
    return array(
        select row(d.instance_id, (d.payload ->> 'parent')::uuid, (d.payload ->> 'root')::uuid, d.step, d.scope, d.visit,
            d.payload -> 'detached' = 'true', w.id, v.id, v.deadline, v.search is not null, v.labels is not null,
            d.payload ->> 'key', d.payload -> 'input', d.payload -> 'trace',
            case when exists (
                    select from onceflow.delivery c
                    where c.instance_id = d.instance_id and c.kind = 'cancel' and c.state = 'sent')
                then jsonb_build_object('code', 'cancelled', 'message', 'it was told to end before it began')
                when (d.payload ->> 'depth')::int > 16
                then jsonb_build_object('code', 'workflow.depth', 'message',
                    'sixteen instances are above it already, each started by a step of the one before')
                when v.id is null
                then jsonb_build_object('code', 'workflow.unknown', 'message', format('there is no workflow %s%s; deploy it',
                    d.name, ' in version ' || (d.payload ->> 'version')))
                when w.disabled_at is not null
                then jsonb_build_object('code', 'workflow.disabled', 'message', format(
                    'the workflow %s has been disabled for new starts since %s; enable it', d.name, onceflow.time_text(w.disabled_at)))
                else (
                    select jsonb_build_object('code', 'workflow.input', 'message', e ->> 'message')
                        || case when e ? 'faults' then jsonb_build_object('detail', e -> 'faults') else '{}' end
                    from onceflow.input_error(v.input_checks, d.payload -> 'input') e where e is not null) end
            )::onceflow.child_start
        from onceflow.delivery d
        left join lateral (
            select w.id, w.disabled_at from onceflow.workflow w where w.name = d.name offset 0) w on true
        left join lateral (
            select v.id, v.deadline, v.search, v.labels, v.input_checks from onceflow.workflow_version v
            where v.workflow_id = w.id and v.version = coalesce((d.payload ->> 'version')::int, v.version)
            order by v.version desc limit 1) v on true
        where d.instance_id = any (p_ids) and d.instance_id >= p_ids[1] and d.kind = 'start' and d.state = 'sent'
        order by d.id);
end $$;
revoke execute on function onceflow.judge_starts(uuid[]) from public;
