-- lock_open_tasks(ids) -> void   (internal)
-- Locks all open tasks of locked instances, by key, in one statement: what is to be done with them is
-- decided in the next. A claim that came before has made its task RUNNING by then; one that comes
-- later finds what was decided.
create or replace function onceflow.lock_open_tasks(p_ids uuid[]) returns void
language plpgsql volatile as $$
declare
    v_ids uuid[] := array(select distinct u from unnest(p_ids) u order by u);
begin
    perform from onceflow.task t
    where t.instance_id = any (v_ids) and t.seq is null
        and t.instance_id >= v_ids[1]
    order by t.instance_id, t.step, t.scope, t.visit
    for no key update;
end $$;
revoke execute on function onceflow.lock_open_tasks(uuid[]) from public;
