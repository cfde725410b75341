-- answer_tasks(sorted ids, keys, tasks, fences, held) -> (instance_id, task, answer, state)   (internal)
-- What a worker is told of each task: accepted (it was held by the fence, and this call has taken the
-- answer), repeated (the row still bears the fence of an answer given before), running (under this
-- fence, without an answer), or stale.
create or replace function onceflow.answer_tasks(
    p_ids uuid[], p_keys onceflow.task_key[], p_tasks text[], p_fences uuid[], p_held boolean[])
returns table (instance_id uuid, task text, answer text, state text)
language plpgsql stable as $$
#variable_conflict use_column
begin
    return query
    select k.instance_id, k.task, case
            when k.held then 'accepted'
            when t.fence = k.fence and t.state = 'RUNNING' then 'running'
            when t.fence = k.fence then 'repeated'
            else 'stale' end,
        t.state
    from unnest(p_keys, p_tasks, p_fences, p_held)
        with ordinality k (instance_id, step, scope, visit, task, fence, held, n)
    left join lateral (
        select t.state, t.fence from onceflow.task t
        where t.instance_id = k.instance_id and t.step = k.step and t.scope = k.scope
            and t.visit = k.visit
            and t.instance_id between p_ids[1] and p_ids[cardinality(p_ids)] offset 0) t on true
    order by k.n;
end $$;
revoke execute on function onceflow.answer_tasks(
    uuid[], onceflow.task_key[], text[], uuid[], boolean[]) from public;
