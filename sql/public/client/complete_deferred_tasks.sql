-- complete_deferred_tasks(tokens, outputs) -> (token, answer, state)
-- Also for: operator.
-- Ends attempts that their handlers have deferred, or are about to, with outputs from outside. The token that
-- the handler had, and has handed on, proves that this may be done: it names the task, and a digest of its fence.
-- answer: accepted | repeated (answered before under this token; state tells as what) | stale (the attempt is
--   over, by its timeout or the end of its instance; nothing was changed), in the order of the tokens.
-- Errors: WF002 a text that is no token, arrays that differ, an output that may not be kept · WF004.
create or replace function onceflow.complete_deferred_tasks(p_tokens text[], p_outputs jsonb[])
returns table (token text, answer text, state text)
language plpgsql volatile security definer set search_path = pg_catalog, pg_temp as $$
declare
    v_parts record := onceflow.read_tokens(p_tokens, cardinality(p_outputs));
begin
    return query
    select t.token, a.answer, a.state
    from unnest(p_tokens) with ordinality t (token, n)
    join onceflow.complete_tasks(null, v_parts.o_ids, v_parts.o_tasks, v_parts.o_fences, p_outputs)
        with ordinality a on a.ordinality = t.n
    order by t.n;
end $$;
revoke execute on function onceflow.complete_deferred_tasks(text[], jsonb[]) from public;
