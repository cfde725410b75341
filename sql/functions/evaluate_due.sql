-- evaluate_due(ids, due) -> evaluated_task[]   (internal)
-- due_inputs() for all at once; where that fails, for each half, so that an expression that fails
-- gives its own task an error and no other.
-- Errors: what is no fault of the data (cancelled, out of resources, deadlock) passes through.
create or replace function onceflow.evaluate_due(p_ids uuid[], p_due onceflow.task_key[])
returns onceflow.evaluated_task[]
language plpgsql stable set search_path = '' as $$
declare
    v_half int := cardinality(p_due) / 2;
    v_due onceflow.task_key;
begin
    if cardinality(p_due) = 0 then
        return '{}';
    end if;
    begin
        return onceflow.due_inputs(p_ids, p_due);
    exception when others then
        if sqlstate ~ '^(08|40|53|55|57|58|XX)' then
            raise;
        elsif v_half = 0 then
            v_due := p_due[1];
            return array[row(v_due.instance_id, v_due.step, v_due.scope, v_due.visit,
                true, null, jsonb_build_object(
                    'code', 'expression', 'message', sqlerrm, 'sqlstate', sqlstate))
                ::onceflow.evaluated_task];
        end if;
    end;
    return onceflow.evaluate_due(p_ids, p_due[1:v_half])
        || onceflow.evaluate_due(p_ids, p_due[v_half + 1:]);
end $$;
revoke execute on function onceflow.evaluate_due(uuid[], onceflow.task_key[]) from public;
