-- next_compensations(sorted ids, scopes) -> task_key[]   (internal)
-- The order of undoing: of each scope on its way back the waiting compensation of what ended last (the highest seq; of
-- those of one transition the last by its id). Called where none of it is under way, so they run one by one.
create or replace function onceflow.next_compensations(p_ids uuid[], p_scopes onceflow.scope_key[])
returns onceflow.task_key[]
language plpgsql stable as $$
begin
    return array(
        select row(t.instance_id, t.step, t.scope, t.visit)::onceflow.task_key
        from (select distinct u.instance_id, u.scope from unnest(p_scopes) u) k
        cross join lateral (
            select w.instance_id, w.step, w.scope, w.visit
            from onceflow.task w
            where w.instance_id = k.instance_id and w.scope = k.scope
                and w.instance_id between p_ids[1] and p_ids[cardinality(p_ids)]
                and w.state = 'WAITING' and w.undoes_seq is not null and w.attempt = 0
            order by w.undoes_seq desc, left(w.step, -length('.compensate')) desc, w.visit desc
            limit 1) t
        order by t.instance_id, t.scope);
end $$;
revoke execute on function onceflow.next_compensations(uuid[], onceflow.scope_key[]) from public;
