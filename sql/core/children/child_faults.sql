-- child_faults(ids) -> (instance_id, fault)   (internal)
-- Families, whether who waits for an end will hear of it: for check_instances().
create or replace function onceflow.child_faults(p_ids uuid[]) returns table (instance_id uuid, fault text)
language plpgsql stable as $$
#variable_conflict use_column
begin
    return query
    select c.instance_id, format('it has ended as %s, and %s of %s has not been told', i.state, c.answers, c.parent_id)
    from onceflow.child c
    join onceflow.instance i on i.id = c.instance_id
    where c.answers is not null and i.ended_at is not null and (p_ids is null or c.instance_id = any (p_ids))
        and not exists (
            select from onceflow.delivery d
            where d.instance_id = c.instance_id and d.kind = 'undo' and d.state = 'sent')
    union all
    select w.instance_id, format('%s waits for %s, which will not tell it',
        onceflow.task_name(w.step, w.scope, w.visit), w.key)
    from onceflow.wait w
    where w.kind = 'child' and (p_ids is null or w.instance_id = any (p_ids))
        and not exists (
            select from onceflow.child c where c.instance_id = w.key::uuid and c.answers = w.step)
        and not exists (
            select from onceflow.delivery d
            where d.state = 'sent' and (d.instance_id = w.instance_id and d.kind = 'end' and d.key = w.key
                or d.instance_id = w.key::uuid and d.kind in ('start', 'undo')));
end $$;
revoke execute on function onceflow.child_faults(uuid[]) from public;
