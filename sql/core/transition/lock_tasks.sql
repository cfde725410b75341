-- lock_tasks(keys, state) -> keys of the rows locked   (internal)
-- Locks task rows, where a state is given only those in it, in the order of their keys. Their instances
-- are locked before. Only a claim comes here without: it locks QUEUED rows and nothing else, ever.
-- A key given twice is told twice: with a `distinct` here, PostgreSQL 18 loses rows that were changed while
-- they were awaited. So it does where partitions are pruned twice, first by a bound and then key by key, and a
-- partition lies below the bound: hence the array, by which an index is searched and no partition pruned.
-- Errors: WF004 (require_read_committed).
create or replace function onceflow.lock_tasks(p_keys onceflow.task_key[], p_state text default null)
returns onceflow.task_key[]
language plpgsql volatile as $$
declare
    v_lowest uuid := (select k.instance_id from unnest(p_keys) k order by 1 limit 1);
begin
    perform onceflow.require_read_committed();
    return array(
        select row(t.instance_id, t.step, t.scope, t.visit)::onceflow.task_key
        from (select array[k.instance_id] as ids, k.step, k.scope, k.visit from unnest(p_keys) k offset 0) k
        join onceflow.task t
            on t.instance_id = any (k.ids) and t.step = k.step
            and t.scope = k.scope and t.visit = k.visit and t.instance_id >= v_lowest
            and (p_state is null or t.state = p_state)
        order by t.instance_id, t.step, t.scope, t.visit
        for no key update of t);
end $$;
revoke execute on function onceflow.lock_tasks(onceflow.task_key[], text) from public;
