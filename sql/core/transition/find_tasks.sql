-- find_tasks(sorted ids, keys, given) -> placed_task[]   (internal)
-- The tasks with what their locked instances are, and with what a person has given for each: what pass_edges() and
-- make_tasks() go by.
create or replace function onceflow.find_tasks(
    p_ids uuid[], p_keys onceflow.task_key[], p_given jsonb[] default null)
returns onceflow.placed_task[]
language plpgsql stable as $$
begin
    return array(
        select onceflow.placed_task(k.instance_id, k.step, k.scope, k.visit,
            i.version_id, i.seq + 1,
            -- As own_state() says, without a call for each.
            case when k.scope = 0 then i.state else (
                select case s.state when 'OPEN' then 'RUNNING' else 'CLOSING' end from onceflow.scope s
                where s.instance_id = k.instance_id and s.scope = k.scope
                    and s.instance_id between p_ids[1] and p_ids[cardinality(p_ids)]) end,
            i.suspended_at, t.step is not null, k.given)
        from unnest(p_keys, p_given) with ordinality k (instance_id, step, scope, visit, given, n)
        cross join lateral (
            select i.version_id, i.seq, i.state, case when i.suspended_by = 'operator' then i.suspended_at end as suspended_at
            from onceflow.instance i
            where i.id = k.instance_id and i.id between p_ids[1] and p_ids[cardinality(p_ids)] offset 0) i
        left join lateral (
            select t.step from onceflow.task t
            where t.instance_id = k.instance_id and t.step = k.step
                and t.scope = k.scope and t.visit = k.visit and t.state = 'WAITING'
                and t.instance_id between p_ids[1] and p_ids[cardinality(p_ids)] offset 0) t on true
        order by k.n);
end $$;
revoke execute on function onceflow.find_tasks(uuid[], onceflow.task_key[], jsonb[]) from public;
