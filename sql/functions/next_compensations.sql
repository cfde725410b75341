-- next_compensations(instance ids) -> due_task[]   (internal)
-- The order of compensation: of each instance in COMPENSATING, the waiting compensation of the step
-- that ended last (the highest seq). Called where none is under way, so they run one by one.
create or replace function onceflow.next_compensations(p_instance_ids uuid[])
returns onceflow.due_task[]
language plpgsql stable set search_path = '' as $$
begin
    return array(
        select row(t.instance_id, t.step, t.scope, t.visit, true)::onceflow.due_task
        from (select distinct u as id from unnest(p_instance_ids) u) k
        join onceflow.instance i on i.id = k.id and i.state = 'COMPENSATING'
        cross join lateral (
            select w.instance_id, w.step, w.scope, w.visit
            from onceflow.task w
            where w.instance_id = i.id and w.state = 'WAITING' and w.undoes_seq is not null
            order by w.undoes_seq desc, w.step desc, w.scope desc, w.visit desc
            limit 1) t
        order by t.instance_id);
end $$;
revoke execute on function onceflow.next_compensations(uuid[]) from public;
