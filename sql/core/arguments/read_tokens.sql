-- read_tokens(tokens, others) -> ids, tasks, fences   (internal)
-- Reads the tokens by which attempts are answered from outside, `instance:fence:task`, in their order.
-- Errors: WF002 for a text that is none, which it tells the place of, and where the arrays differ in length.
create or replace function onceflow.read_tokens(
    p_tokens text[], p_others int, out o_ids uuid[], out o_tasks text[], out o_fences uuid[])
language plpgsql immutable as $$
declare
    v_uuid constant text := '[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}';
    v_wrong bigint := (
        select min(t.n) from unnest(p_tokens) with ordinality t (token, n)
        where (t.token ~ ('^' || v_uuid || ':' || v_uuid || ':[^/]+(/[0-9]+){0,2}$')) is not true);
begin
    if v_wrong is not null then
        raise exception 'token % is none that a handler was given', v_wrong
            using errcode = 'WF002', hint = 'Send Context.token of the attempt, unchanged.';
    end if;
    o_ids := array(select split_part(t, ':', 1)::uuid from unnest(p_tokens) with ordinality k (t, n) order by n);
    o_fences := array(select split_part(t, ':', 2)::uuid from unnest(p_tokens) with ordinality k (t, n) order by n);
    o_tasks := array(
        select substr(t, length(split_part(t, ':', 1)) + length(split_part(t, ':', 2)) + 3)
        from unnest(p_tokens) with ordinality k (t, n) order by n);
    perform onceflow.require_same_length(o_ids, o_fences, p_others);
end $$;
revoke execute on function onceflow.read_tokens(text[], int) from public;
