-- still_due(due) -> placed_task[]   (internal)
-- Those of what was due that are so after a closing in the same wave: what lies in an OPEN scope of a RUNNING instance.
-- Compensations are left to the ways back that made them due.
create or replace function onceflow.still_due(p_due onceflow.placed_task[]) returns onceflow.placed_task[]
language plpgsql stable as $$
begin
    return array(
        select d from unnest(p_due) d
        cross join lateral (select i.state from onceflow.instance i where i.id = d.instance_id offset 0) i
        where d.step like '%.compensate' or onceflow.own_state(d.instance_id, d.scope, i.state) = 'RUNNING');
end $$;
revoke execute on function onceflow.still_due(onceflow.placed_task[]) from public;
