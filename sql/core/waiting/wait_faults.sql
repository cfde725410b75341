-- wait_faults(ids) -> (instance_id, fault)   (internal)
-- What waits, against what is noted of it: for check_instances().
create or replace function onceflow.wait_faults(p_ids uuid[]) returns table (instance_id uuid, fault text)
language plpgsql stable as $$
#variable_conflict use_column
begin
    return query
    select t.instance_id, format('%s waits, and what for is not noted', onceflow.task_name(t.step, t.scope, t.visit))
    from onceflow.task t
    join onceflow.instance i on i.id = t.instance_id
    join onceflow.step s on s.version_id = i.version_id and s.step = t.step
    where s.is_wait and t.state = 'WAITING' and t.input is not null and (p_ids is null or t.instance_id = any (p_ids))
        and case s.kind when 'sleep' then t.due_at is null else not exists (
            select from onceflow.wait w
            where w.instance_id = t.instance_id and w.step = t.step and w.scope = t.scope and w.visit = t.visit) end
    union all
    select w.instance_id, format('%s is noted to wait for %s, and does not',
        onceflow.task_name(w.step, w.scope, w.visit), w.name)
    from onceflow.wait w
    where (p_ids is null or w.instance_id = any (p_ids)) and not exists (
        select from onceflow.task t
        where t.instance_id = w.instance_id and t.step = w.step and t.scope = w.scope and t.visit = w.visit
            and t.state = 'WAITING' and t.input is not null and t.seq is null)
    union all
    select w.instance_id, format('%s waits for signal %s, and one is kept',
        onceflow.task_name(w.step, w.scope, w.visit), w.name)
    from onceflow.wait w
    where w.kind = 'signal' and (p_ids is null or w.instance_id = any (p_ids)) and exists (
        select from onceflow.delivery d
        where d.instance_id = w.instance_id and d.name = w.name and d.state = 'kept');
end $$;
revoke execute on function onceflow.wait_faults(uuid[]) from public;
