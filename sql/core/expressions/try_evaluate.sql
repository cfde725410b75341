-- try_evaluate(code, when, tree, context) -> evaluation   (internal)
-- The value of an expression tree, or the error that it failed with, so that one that fails costs its own
-- step or instance and no other of the same call. Nothing runs unless p_when, where there is one, gives
-- something else than false or null. Without a tree the value is {}.
-- Errors: what is no fault of the data (cancelled, out of resources, deadlock) passes through.
create or replace function onceflow.try_evaluate(
    p_code text, p_when jsonb, p_tree jsonb, p_context jsonb)
returns onceflow.evaluation
language plpgsql immutable as $$
declare
    v_value jsonb;
begin
    if p_when is not null
            and coalesce(onceflow.evaluate(p_when, p_context), 'null') in ('false', 'null') then
        return row(false, null, null)::onceflow.evaluation;
    end if;
    v_value := case when p_tree is null then '{}' else onceflow.evaluate(p_tree, p_context) end;
    return row(true, v_value, onceflow.payload_error(v_value))::onceflow.evaluation;
exception when others then
    if sqlstate ~ '^(08|40|53|55|57|58|XX)' then
        raise;
    end if;
    return row(true, null, jsonb_build_object(
        'code', p_code, 'message', sqlerrm, 'sqlstate', sqlstate))::onceflow.evaluation;
end $$;
revoke execute on function onceflow.try_evaluate(text, jsonb, jsonb, jsonb) from public;
