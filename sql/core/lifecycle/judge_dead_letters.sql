-- judge_dead_letters(instance ids, tasks) -> rows   (internal)
-- Which of the tasks of locked instances are open dead letters, what these are redriven with (redrive_takes), and
-- what to tell of those that are none.
create or replace function onceflow.judge_dead_letters(p_instance_ids uuid[], p_tasks text[])
returns table (
    n bigint, instance_id uuid, task text, key onceflow.task_key, refusal text, has_input boolean, takes text,
    undoes boolean)
language plpgsql stable as $$
#variable_conflict use_column
begin
    return query
    select k.n, k.instance_id, k.task,
        row(k.instance_id, k.step, k.scope, k.visit)::onceflow.task_key,
        case
            when t.instance_id is null then 'there is no such task'
            when t.state <> 'DEAD_LETTER' then 'it is no dead letter, but ' || t.state
            when t.seq is not null then 'it is only a record: the instance '
                || case when i.ended_at is null then 'is ' else 'has ended, as ' end || i.state
                || '. Start a new instance with the same input instead'
        end,
        t.input is not null, onceflow.redrive_takes(s.kind, t.error),
        t.undoes_seq is not null or s.kind = 'notice'
    from unnest(onceflow.task_keys(p_instance_ids, p_tasks), p_tasks)
        with ordinality k (instance_id, step, scope, visit, task, n)
    left join lateral (
        select i.state, i.ended_at, i.version_id from onceflow.instance i where i.id = k.instance_id offset 0) i on true
    left join lateral (
        select t.instance_id, t.state, t.seq, t.input, t.error, t.undoes_seq from onceflow.task t
        where t.instance_id = k.instance_id and t.step = k.step
            and t.scope = k.scope and t.visit = k.visit offset 0) t on true
    left join lateral (
        select s.kind from onceflow.step s where s.version_id = i.version_id and s.step = k.step offset 0) s on true
    order by k.n;
end $$;
revoke execute on function onceflow.judge_dead_letters(uuid[], text[]) from public;
