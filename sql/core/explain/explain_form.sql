-- explain_form(task, step) -> explanation   (internal)
-- What people are asked, who they are, since when and until when, and who has taken it.
create or replace function onceflow.explain_form(p_task onceflow.task, p_step onceflow.step) returns onceflow.explanation
language plpgsql stable as $$
declare
    v_wait onceflow.wait;
    v_due constant text := onceflow.time_text(p_task.due_at);
begin
    select * into v_wait from onceflow.wait w
    where w.instance_id = p_task.instance_id and w.step = p_task.step and w.scope = p_task.scope and w.visit = p_task.visit;
    return row(format('waits since %s for %s to decide: %s', onceflow.time_text(p_task.changed_at),
            case cardinality(v_wait.people) when 1 then v_wait.people[1]
                else array_to_string(v_wait.people[: cardinality(v_wait.people) - 1], ', ') || ' or '
                    || v_wait.people[cardinality(v_wait.people)] end, v_wait.name)
            || coalesce('; ' || v_wait.claimed_by || ' has taken it, at ' || onceflow.time_text(v_wait.claimed_at), '')
            || coalesce(case when p_task.due_at <= onceflow.now() then format('; they had until %s, and the clock has to end it', v_due)
                else format('; until %s', v_due) end, ''),
        'answer', jsonb_build_object('instance', p_task.instance_id, 'task', onceflow.task_name(p_task.step, p_task.scope, p_task.visit),
            'decision', p_step.spec #> '{form,decisions,0}'))::onceflow.explanation;
end $$;
revoke execute on function onceflow.explain_form(onceflow.task, onceflow.step) from public;
