-- read_tokens(tokens, others) -> ids, tasks, fences   (internal)
-- Reads the tokens by which attempts are answered from outside, `instance:digest:task`, in their order. The
-- digest is of the instance, the task and the fence: a claim gives one fence to many tasks, and who has the
-- token of one of them is to answer no other. Where it is not that of the task's fence, the fence is nobody's.
-- Errors: WF002 for a text that is none, which it tells the place of, and where the arrays differ in length.
create or replace function onceflow.read_tokens(
    p_tokens text[], p_others int, out o_ids uuid[], out o_tasks text[], out o_fences uuid[])
language plpgsql stable as $$
declare
    v_form constant text := '^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}:[0-9a-f]{32}:[^/]+(/[0-9]+){0,2}$';
    v_wrong bigint := (
        select min(t.n) from unnest(p_tokens) with ordinality t (token, n)
        where (t.token ~ v_form) is not true);
begin
    if v_wrong is not null then
        raise exception 'token % is none that a handler was given', v_wrong
            using errcode = 'WF002', hint = 'Send Context.token of the attempt, unchanged.';
    end if;
    o_ids := array(select left(t, 36)::uuid from unnest(p_tokens) with ordinality k (t, n) order by n);
    o_tasks := array(select substr(t, 71) from unnest(p_tokens) with ordinality k (t, n) order by n);
    o_fences := array(
        select coalesce((
            select t.fence from onceflow.task t
            where t.instance_id = k.instance_id and t.step = k.step and t.scope = k.scope and t.visit = k.visit
                and left(encode(sha256(convert_to(
                    format('%s:%s:%s', t.instance_id, x.task, t.fence), 'UTF8')), 'hex'), 32) = substr(x.token, 38, 32)),
            '00000000-0000-0000-0000-000000000000')
        from unnest(onceflow.task_keys(o_ids, o_tasks)) with ordinality k (instance_id, step, scope, visit, n)
        join unnest(p_tokens, o_tasks) with ordinality x (token, task, n) on x.n = k.n
        order by k.n);
    perform onceflow.require_same_length(o_ids, o_fences, p_others);
end $$;
revoke execute on function onceflow.read_tokens(text[], int) from public;
