-- pass_edges(ids, ended) -> due, changes   (internal)
-- The firing rule. Each task in p_ended passes its outgoing edges, live. A step with one edge into
-- it is due; a join is due when every edge into it has passed, and until then its row counts them in
-- WAITING. One call changes a count once, by all the edges of the call together.
-- Successors follow only where the instance, locked before, is RUNNING.
create or replace function onceflow.pass_edges(
    p_ids uuid[], p_ended onceflow.task_key[],
    out o_due onceflow.task_key[], out o_changes onceflow.change[])
language plpgsql volatile set search_path = '' as $$
begin
    with passed as (
        select k.instance_id, i.version_id, e.to_step as step, k.scope, k.visit, count(*)::int as edges
        from unnest(p_ended) k
        cross join lateral (
            select i.version_id from onceflow.instance i
            where i.id = k.instance_id
                and i.id between p_ids[1] and p_ids[cardinality(p_ids)] and i.state = 'RUNNING' offset 0) i
        cross join lateral (
            select e.to_step from onceflow.edge e
            where e.version_id = i.version_id and e.from_step = k.step and e.kind = 'next' offset 0) e
        group by k.instance_id, i.version_id, e.to_step, k.scope, k.visit
    ), counted as (
        select p.instance_id, p.step, p.scope, p.visit, s.join_count,
            coalesce(t.passed, 0) + p.edges as passed, t.instance_id is not null as waiting
        from passed p
        cross join lateral (
            select s.join_count from onceflow.step s
            where s.version_id = p.version_id and s.step = p.step offset 0) s
        left join lateral (
            select t.instance_id, t.passed from onceflow.task t
            where s.join_count > 1 and t.instance_id = p.instance_id and t.step = p.step
                and t.scope = p.scope and t.visit = p.visit and t.state = 'WAITING'
                and t.instance_id between p_ids[1] and p_ids[cardinality(p_ids)] offset 0) t on true
    ), kept as (
        insert into onceflow.task as t (instance_id, step, scope, visit, state, passed, changed_at)
        select c.instance_id, c.step, c.scope, c.visit, 'WAITING', c.passed, onceflow.now()
        from counted c
        where c.passed < c.join_count
        order by c.instance_id, c.step, c.scope, c.visit
        on conflict (instance_id, step, scope, visit)
            do update set passed = excluded.passed where t.state = 'WAITING'
    )
    select
        coalesce(array_agg(row(c.instance_id, c.step, c.scope, c.visit)::onceflow.task_key)
            filter (where c.passed >= c.join_count), '{}'),
        coalesce(array_agg(row(c.instance_id, c.step, c.scope, c.visit, 0,
            null, 'WAITING', 1, null, null, null)::onceflow.change)
            filter (where c.passed < c.join_count and not c.waiting), '{}')
    into o_due, o_changes
    from counted c;
end $$;
revoke execute on function onceflow.pass_edges(uuid[], onceflow.task_key[]) from public;
