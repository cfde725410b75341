-- explain_state(instance) -> text   (internal)
-- What the instance as a whole is doing, in words.
create or replace function onceflow.explain_state(p_instance onceflow.instance) returns text
language plpgsql stable as $$
begin
    return case
        when p_instance.ended_at is not null then format('it ended as %s at %s%s', p_instance.state,
            p_instance.ended_at, coalesce(': ' || (p_instance.error ->> 'message'), ''))
        when p_instance.suspended_by = 'operator' then format(
            'suspended by an operator since %s: select * from onceflow.resume_instances(array[%L::uuid])',
            p_instance.suspended_at, p_instance.id)
        when p_instance.suspended_by = 'dead_letter' then format(
            'suspended since %s by the open dead letter below', p_instance.suspended_at)
        when p_instance.state = 'CLOSING' then format(
            'closing, to end as %s%s: it waits for what still runs', p_instance.closing_as,
            coalesce(' (' || (p_instance.error ->> 'message') || ')', ''))
        when p_instance.state = 'COMPENSATING' then format(
            'compensating, one step after the other, to end as %s', p_instance.closing_as)
        else format('running, %s open', p_instance.open_tasks
            || case p_instance.open_tasks when 1 then ' task' else ' tasks' end)
            || coalesce(', deadline ' || p_instance.deadline_at, '')
    end;
end $$;
revoke execute on function onceflow.explain_state(onceflow.instance) from public;
