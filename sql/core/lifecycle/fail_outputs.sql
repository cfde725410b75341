-- fail_outputs(sorted ids, outputs) -> change[]   (internal)
-- Of locked instances whose `output` failed, all work being done: an open dead letter, the task workflow.output,
-- which a person redrives or skips with a value, or discards; only then their workflow's policy acts.
create or replace function onceflow.fail_outputs(p_ids uuid[], p_outputs onceflow.evaluated_output[])
returns onceflow.change[]
language plpgsql volatile as $$
declare
    v_now constant timestamptz := onceflow.now();
    v_changes onceflow.change[];
begin
    with failed as (
        insert into onceflow.task (instance_id, step, state, error, changed_at)
        select o.instance_id, 'workflow.output', 'DEAD_LETTER', o.error, v_now
        from unnest(p_outputs) o
        where o.error is not null
        order by o.instance_id
        returning instance_id, step, scope, visit, error
    )
    select array_agg(onceflow.task_change(f.instance_id, f.step, f.scope, f.visit, 0,
        null, 'DEAD_LETTER', p_error => f.error))
    into v_changes
    from failed f;
    perform onceflow.note_dead_letters(p_ids);
    return v_changes;
end $$;
revoke execute on function onceflow.fail_outputs(uuid[], onceflow.evaluated_output[]) from public;
