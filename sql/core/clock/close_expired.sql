-- close_expired(sorted ids, now) -> change[]   (internal)
-- Closes locked instances whose deadline has passed, by their workflow's policy: `fail` without
-- compensation, else with it (a deadline does not wait for a person, so `suspend` compensates,
-- and an operator's suspension is lifted).
create or replace function onceflow.close_expired(p_ids uuid[], p_now timestamptz)
returns onceflow.change[]
language plpgsql volatile as $$
declare
    v_changes onceflow.change[];
begin
    select onceflow.close_instances(coalesce(array_agg(i.id order by i.id), '{}'),
        array_agg(case v.on_failure when 'fail' then 'FAILED' else 'COMPENSATED' end order by i.id),
        array_agg(jsonb_build_object('code', 'deadline',
            'message', 'the instance was not done by its deadline, '
                || onceflow.time_text(i.deadline_at)) order by i.id), true)
    into v_changes
    from onceflow.instance i
    join onceflow.workflow_version v on v.id = i.version_id
    where i.id = any (p_ids) and i.id >= p_ids[1]
        and i.state = 'RUNNING' and i.deadline_at <= p_now;
    return (onceflow.advance_instances(p_ids, v_changes, '{}', '{}')).o_changes;
end $$;
revoke execute on function onceflow.close_expired(uuid[], timestamptz) from public;
