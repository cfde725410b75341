-- fail_deferred_tasks(tokens, errors, retryable) -> (token, answer, state)
-- Also for: operator.
-- Ends attempts that their handlers have deferred, or are about to, with errors from outside: what fail_tasks()
-- does for workers. A task that is tried again has another token. Answers and errors as
-- complete_deferred_tasks().
create or replace function onceflow.fail_deferred_tasks(
    p_tokens text[], p_errors jsonb[], p_retryable boolean[])
returns table (token text, answer text, state text)
language plpgsql volatile security definer set search_path = pg_catalog, pg_temp as $$
declare
    v_parts record := onceflow.read_tokens(p_tokens, cardinality(p_errors));
begin
    return query
    select t.token, a.answer, a.state
    from unnest(p_tokens) with ordinality t (token, n)
    join onceflow.fail_tasks(v_parts.o_ids, v_parts.o_tasks, v_parts.o_fences,
        array(select case jsonb_typeof(e) when 'object' then e - 'unknown_field' else e end from unnest(p_errors) with ordinality x (e, n) order by x.n),
        p_retryable, array(
            select onceflow.handler_policy(s.handler)
            from unnest(onceflow.task_keys(v_parts.o_ids, v_parts.o_tasks))
                with ordinality k (instance_id, step, scope, visit, n)
            left join onceflow.instance i on i.id = k.instance_id
            left join onceflow.step s on s.version_id = i.version_id and s.step = k.step
            order by k.n))
        with ordinality a on a.ordinality = t.n
    order by t.n;
end $$;
revoke execute on function onceflow.fail_deferred_tasks(text[], jsonb[], boolean[]) from public;
