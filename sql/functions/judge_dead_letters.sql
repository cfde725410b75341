-- judge_dead_letters(instance ids, tasks) -> rows   (internal)
-- Which of the tasks, locked before, are open dead letters, and what to tell of those that are not.
create or replace function onceflow.judge_dead_letters(p_instance_ids uuid[], p_tasks text[])
returns table (n bigint, instance_id uuid, task text, key onceflow.task_key, refusal text, has_input boolean)
language plpgsql stable set search_path = '' as $$
#variable_conflict use_column
begin
    return query
    select p.n, p.instance_id, p.task,
        row(k.instance_id, k.step, k.scope, k.visit)::onceflow.task_key,
        case
            when t.instance_id is null then 'there is no such task'
            when t.state <> 'DEAD_LETTER' then 'it is no dead letter, but ' || t.state
            when t.seq is not null then 'it is only a record: the instance '
                || case when i.ended_at is null then 'is ' else 'has ended, as ' end || i.state
                || '. Start a new instance with the same input instead'
        end,
        t.input is not null
    from unnest(p_instance_ids, p_tasks) with ordinality p (instance_id, task, n)
    join unnest(onceflow.task_keys(p_instance_ids, p_tasks))
        with ordinality k (instance_id, step, scope, visit, n) using (n)
    left join onceflow.instance i on i.id = p.instance_id
    left join onceflow.task t on t.instance_id = k.instance_id and t.step = k.step
        and t.scope = k.scope and t.visit = k.visit
    order by p.n;
end $$;
revoke execute on function onceflow.judge_dead_letters(uuid[], text[]) from public;
