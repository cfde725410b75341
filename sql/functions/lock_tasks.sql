-- lock_tasks(keys) -> void   (internal)
-- Locks task rows in the order of their keys; their instances are locked before (a claim, which
-- reads instances without a lock, comes here first).
-- Errors: WF004 (require_read_committed).
create or replace function onceflow.lock_tasks(p_keys onceflow.task_key[]) returns void
language plpgsql volatile set search_path = '' as $$
declare
    v_ids uuid[] := array(select distinct k.instance_id from unnest(p_keys) k order by 1);
begin
    perform onceflow.require_read_committed();
    perform from (select distinct * from unnest(p_keys)) k
    join onceflow.task t
        on t.instance_id = k.instance_id and t.step = k.step
        and t.scope = k.scope and t.visit = k.visit
        and t.instance_id between v_ids[1] and v_ids[cardinality(v_ids)]
    order by t.instance_id, t.step, t.scope, t.visit
    for no key update of t;
end $$;
revoke execute on function onceflow.lock_tasks(onceflow.task_key[]) from public;
