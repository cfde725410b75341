-- next_compensations(ids, instance ids) -> task_key[]   (internal)
-- The order of compensation: of each instance in COMPENSATING, the waiting compensation of the step
-- that ended last (the highest seq). Called where none is under way, so they run one by one.
create or replace function onceflow.next_compensations(p_ids uuid[], p_instance_ids uuid[])
returns onceflow.task_key[]
language plpgsql stable as $$
begin
    return array(
        select row(t.instance_id, t.step, t.scope, t.visit)::onceflow.task_key
        from (select distinct u as id from unnest(p_instance_ids) u) k
        cross join lateral (
            select i.id from onceflow.instance i
            where i.id = k.id
                and i.id between p_ids[1] and p_ids[cardinality(p_ids)] and i.state = 'COMPENSATING' offset 0) i
        cross join lateral (
            select w.instance_id, w.step, w.scope, w.visit
            from onceflow.task w
            where w.instance_id = i.id and w.instance_id >= p_ids[1]
                and w.state = 'WAITING' and w.undoes_seq is not null
            order by w.undoes_seq desc, w.step desc, w.scope desc, w.visit desc
            limit 1) t
        order by t.instance_id);
end $$;
revoke execute on function onceflow.next_compensations(uuid[], uuid[]) from public;
