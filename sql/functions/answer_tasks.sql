-- answer_tasks(instance ids, tasks, fences, accepted) -> (instance_id, task, answer, state)   (internal)
-- What a worker is told of each task: accepted in this call, repeated (the row still bears the fence
-- of an answer given before), running (under this fence, without an answer), or stale.
create or replace function onceflow.answer_tasks(
    p_instance_ids uuid[], p_tasks text[], p_fences uuid[], p_accepted onceflow.task_key[])
returns table (instance_id uuid, task text, answer text, state text)
language plpgsql stable set search_path = '' as $$
#variable_conflict use_column
begin
    return query
    select p.instance_id, p.task, case
            when a.instance_id is not null and t.fence = p.fence then 'accepted'
            when t.fence = p.fence and t.state = 'RUNNING' then 'running'
            when t.fence = p.fence then 'repeated'
            else 'stale' end,
        t.state
    from unnest(p_instance_ids, p_tasks, p_fences) with ordinality p (instance_id, task, fence, n)
    join unnest(onceflow.task_keys(p_instance_ids, p_tasks))
        with ordinality k (instance_id, step, scope, visit, n) using (n)
    left join onceflow.task t on t.instance_id = k.instance_id and t.step = k.step
        and t.scope = k.scope and t.visit = k.visit
    left join (select distinct * from unnest(p_accepted)) a on a.instance_id = k.instance_id
        and a.step = k.step and a.scope = k.scope and a.visit = k.visit
    order by p.n;
end $$;
revoke execute on function onceflow.answer_tasks(uuid[], text[], uuid[], onceflow.task_key[]) from public;
