-- held_attempts(sorted ids, keys, fences, deferred) -> boolean[]   (internal)
-- Of each of the named tasks of locked instances, in the order given, whether it runs under its fence,
-- or (p_deferred) awaits its answer from outside. None is
-- locked: a RUNNING row is nobody else's to change while its instance is locked.
create or replace function onceflow.held_attempts(
    p_ids uuid[], p_keys onceflow.task_key[], p_fences uuid[], p_deferred boolean default false)
returns boolean[]
language plpgsql stable as $$
begin
    return array(
        select coalesce((t.state = 'RUNNING' or p_deferred and t.state = 'WAITING') and t.fence = k.fence, false)
        from unnest(p_keys, p_fences) with ordinality k (instance_id, step, scope, visit, fence, n)
        left join lateral (
            select t.state, t.fence from onceflow.task t
            where t.instance_id = k.instance_id and t.step = k.step and t.scope = k.scope
                and t.visit = k.visit
                and t.instance_id between p_ids[1] and p_ids[cardinality(p_ids)] offset 0) t on true
        order by k.n);
end $$;
revoke execute on function onceflow.held_attempts(uuid[], onceflow.task_key[], uuid[], boolean) from public;
