-- try_evaluate(when, tree, context) -> evaluation   (internal)
-- The value of an expression tree, or the error that it failed with, so that one that fails costs its own
-- step or instance and no other of the same call. The error's `place` says which it was, `when`, `value`
-- or `case N`. Nothing runs unless p_when, where there is one, gives something else than false or null. Without a tree the value is {}.
-- The caller's statement_timeout that strikes here, where most of its time has gone, is an error of this
-- expression (code expression.timeout), not of the task that ended before. From then on no clock runs: what
-- else comes due in that instance is failed unevaluated, and any other's evaluation ends the call as the
-- timeout would have, with the instance's id in its DETAIL. So does one that strikes where little of the time
-- has gone, without an id. Whoever called then calls again, and sets, for that transaction, onceflow.late to
-- '=' and the ids of those whose expressions are to be failed unevaluated, or to '*' for all.
-- Errors: what is no fault of the data (cancelled, out of resources, deadlock) passes through.
create or replace function onceflow.try_evaluate(
    p_when jsonb, p_tree jsonb, p_context jsonb)
returns onceflow.evaluation
language plpgsql stable as $$
declare
    v_late text := current_setting('onceflow.late', true);
    v_place text := case when p_when is null then 'value' else 'when' end;
    v_case text;
    v_began timestamptz;
    v_value jsonb;
begin
    if v_late <> '' then
        if v_late = '*' or position(p_context #>> '{instance,id}' in v_late) > 0 then
            return row(true, null, onceflow.timeout_error(v_place))::onceflow.evaluation;
        elsif v_late not like '=%' then
            raise query_canceled using message = 'the statement timeout has struck in an expression',
                detail = v_late, hint = 'call again without this instance, or with it alone';
        end if;
    end if;
    v_began := clock_timestamp();
    if p_when is not null
            and coalesce(onceflow.evaluate(p_when, p_context), 'null') in ('false', 'null') then
        return row(false, null, null)::onceflow.evaluation;
    end if;
    v_place := 'value';
    if p_tree is null then
        return row(true, '{}', null)::onceflow.evaluation;
    end if;
    -- Some forty bytes of a tree can repeat the whole of the context.
    if pg_column_size(p_tree) / 40 * pg_column_size(p_context)::bigint > 67108864 then
        perform onceflow.require_small_value(p_tree, p_context);
    end if;
    v_value := onceflow.evaluate(p_tree, p_context);
    return row(true, v_value, onceflow.payload_error(v_value) || '{"place": "value"}')::onceflow.evaluation;
exception
    when query_canceled then
        if v_began is null then
            raise;
        elsif clock_timestamp() - v_began < (clock_timestamp() - statement_timestamp()) / 2 then
            raise query_canceled using message = sqlerrm, detail = 'in an expression, which had little of the time';
        end if;
        perform set_config('onceflow.late', coalesce(p_context #>> '{instance,id}', '-'), true);
        return row(true, null, onceflow.timeout_error(v_place))::onceflow.evaluation;
    when others then
        if sqlstate ~ '^(08|40|53|55|57|58|XX)' then
            raise;
        end if;
        get stacked diagnostics v_case = column_name;
        -- Postgres repeats values in its words: of a URL not its user and password.
        return row(true, null, jsonb_build_object('code', 'expression', 'sqlstate', sqlstate,
            'place', case when v_case like 'case %' then v_case else v_place end, 'message',
            regexp_replace(left(sqlerrm, 10000), '://[^\s/@]*(:[^\s@]*)?@', '://***@', 'g')))::onceflow.evaluation;
end $$;
revoke execute on function onceflow.try_evaluate(jsonb, jsonb, jsonb) from public;
