-- explain_wait(task, step) -> explanation   (internal)
-- What a step that waits by itself waits for, since when and until when.
create or replace function onceflow.explain_wait(p_task onceflow.task, p_step onceflow.step) returns onceflow.explanation
language plpgsql stable as $$
declare
    v_due constant text := onceflow.time_text(p_task.due_at);
    v_event constant text := p_task.input ->> 'event';
    v_key constant text := onceflow.event_key(p_task.input -> 'key');
    v_past constant boolean := p_task.due_at <= onceflow.now();
begin
    if p_step.kind = 'sleep' then
        return row(format(case when v_past then 'its sleep was over at %s, and the clock has to see to it'
            else 'sleeps until %s' end, v_due), null, null)::onceflow.explanation;
    end if;
    if p_step.kind in ('workflow', 'undo_child') then
        return onceflow.explain_child(p_task, p_step);
    end if;
    if p_step.kind = 'approve' then
        return onceflow.explain_form(p_task, p_step);
    end if;
    return row(format('waits for the %s since %s', case when v_event is not null
            then format('event %s with the key %s', v_event, v_key) else 'signal ' || (p_task.input ->> 'signal') end,
            onceflow.time_text(p_task.changed_at))
        || coalesce(case when v_past then format('; it had until %s, and the clock has to end it', v_due)
            else format(', until %s', v_due) end, ''),
        case when v_event is null then 'signal' else 'event' end,
        case when v_event is not null then jsonb_build_object('event', v_event, 'key', v_key)
            else jsonb_build_object('instance', p_task.instance_id, 'signal', p_task.input ->> 'signal') end)::onceflow.explanation;
end $$;
revoke execute on function onceflow.explain_wait(onceflow.task, onceflow.step) from public;
