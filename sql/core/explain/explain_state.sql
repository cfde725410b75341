-- explain_state(instance) -> explanation   (internal)
-- What the instance as a whole is doing.
create or replace function onceflow.explain_state(p_instance onceflow.instance) returns onceflow.explanation
language plpgsql stable as $$
begin
    if p_instance.suspended_by = 'operator' then
        return row(format('suspended by an operator since %s; resume it', onceflow.time_text(p_instance.suspended_at)),
            'resume', jsonb_build_object('instance', p_instance.id))::onceflow.explanation;
    end if;
    return row(case
        when p_instance.ended_at is not null then format('it ended as %s at %s%s', p_instance.state,
            onceflow.time_text(p_instance.ended_at),
            coalesce('; payloads erased at ' || onceflow.time_text(p_instance.erased_at) || ' by ' || p_instance.erased_by,
                ': ' || (p_instance.error ->> 'message'), ''))
        when p_instance.suspended_by = 'dead_letter' then format(case p_instance.state
            when 'COMPENSATING' then 'compensating: the way back waits since %s for the open dead letter below'
            else 'waits since %s for a decision about the open dead letter below; what does not depend on it goes on' end,
            onceflow.time_text(p_instance.suspended_at))
        when p_instance.state = 'CLOSING' then format(
            'closing, to end as %s%s: it waits for what still runs', p_instance.closing_as,
            coalesce(' (' || (p_instance.error ->> 'message') || ')', ''))
        when p_instance.state = 'COMPENSATING' then format(
            'compensating, one step after the other, to end as %s', p_instance.closing_as)
        when p_instance.start_at > onceflow.now() then format('starts at %s', onceflow.time_text(p_instance.start_at))
        else format('running, %s open', p_instance.open_tasks
            || case p_instance.open_tasks when 1 then ' task' else ' tasks' end)
            || coalesce(case when p_instance.deadline_at > onceflow.now()
                then ', deadline ' || onceflow.time_text(p_instance.deadline_at)
                else ', past its deadline since ' || onceflow.time_text(p_instance.deadline_at) || ', by which the clock closes it' end, '')
        end, null, null)::onceflow.explanation;
end $$;
revoke execute on function onceflow.explain_state(onceflow.instance) from public;
