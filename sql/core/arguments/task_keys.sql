-- task_keys(instance ids, task texts) -> task_key[]   (internal)
-- Reads the texts of task_name() back, in the order given. A text that is none gives a key with a
-- null step, which matches no row.
-- Errors: WF002 where the arrays differ in length.
create or replace function onceflow.task_keys(p_instance_ids uuid[], p_tasks text[])
returns onceflow.task_key[]
language plpgsql immutable as $$
begin
    if cardinality(p_instance_ids) is distinct from cardinality(p_tasks) then
        raise exception 'instance ids and tasks differ in number: % and %',
            cardinality(p_instance_ids), cardinality(p_tasks)
            using errcode = 'WF002', hint = 'Give one task for each instance id.';
    end if;
    if array_dims(p_tasks) = '[1:1]' and array_dims(p_instance_ids) = '[1:1]' and strpos(p_tasks[1], '/') = 0 and p_tasks[1] <> '' then
        return array[row(p_instance_ids[1], p_tasks[1], 0, 0)::onceflow.task_key];
    end if;
    return array(
        select case
            -- Most are in no scope, and nothing is to be read of them.
            when strpos(k.task, '/') = 0 and k.task <> '' then row(k.instance_id, k.task, 0, 0)::onceflow.task_key
            when k.task ~ '^[^/]+(/[0-9]{1,18}(/[0-9]{1,9})?)?$'
            then row(
                k.instance_id,
                split_part(k.task, '/', 1),
                coalesce(nullif(split_part(k.task, '/', 2), ''), '0')::bigint,
                coalesce(nullif(split_part(k.task, '/', 3), ''), '0')::int)::onceflow.task_key
            else row(k.instance_id, null, null, null)::onceflow.task_key end
        from unnest(p_instance_ids, p_tasks) with ordinality k (instance_id, task, n)
        order by k.n);
end $$;
revoke execute on function onceflow.task_keys(uuid[], text[]) from public;
