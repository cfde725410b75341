-- handled_tasks(tasks) -> task_key[]   (internal)
-- Of tasks that have failed and been judged those that are no dead letters.
create or replace function onceflow.handled_tasks(p_keys onceflow.task_key[]) returns onceflow.task_key[]
language plpgsql stable as $$
begin
    return array(
        select row(k.instance_id, k.step, k.scope, k.visit)::onceflow.task_key
        from unnest(p_keys) k
        cross join lateral (
            select from onceflow.task t
            where t.instance_id = k.instance_id and t.step = k.step and t.scope = k.scope
                and t.visit = k.visit and t.state <> 'DEAD_LETTER' offset 0) t);
end $$;
revoke execute on function onceflow.handled_tasks(onceflow.task_key[]) from public;
