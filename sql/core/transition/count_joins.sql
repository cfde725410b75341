-- count_joins(ids, passed) -> due, changes   (internal)
-- Adds the edges that have passed into joins, each named once an edge, to what their rows have counted.
-- A join is due when every edge into it has passed; until then its row counts them in WAITING. One call
-- changes a count once, by all the edges of the call together.
create or replace function onceflow.count_joins(
    p_ids uuid[], p_passed onceflow.placed_task[],
    out o_due onceflow.placed_task[], out o_changes onceflow.change[])
language plpgsql volatile as $$
declare
    -- Asked once: in the statement it would be a call for each row.
    v_now constant timestamptz := onceflow.now();
begin
    with counted as (
        select p.*, s.join_count, coalesce(t.passed, 0) + p.edges as passed, t.passed is not null as waits
        from (
            select p.instance_id, p.step, p.scope, p.visit, p.version_id, p.seq, p.state,
                p.suspended_at, count(*)::int as edges
            from unnest(p_passed) p
            group by 1, 2, 3, 4, 5, 6, 7, 8) p
        cross join lateral (
            select s.join_count from onceflow.step s
            where s.version_id = p.version_id and s.step = p.step offset 0) s
        left join lateral (
            select t.passed from onceflow.task t
            where t.instance_id = p.instance_id and t.step = p.step
                and t.scope = p.scope and t.visit = p.visit and t.state = 'WAITING'
                and t.instance_id between p_ids[1] and p_ids[cardinality(p_ids)] offset 0) t on true
    ), kept as (
        insert into onceflow.task (instance_id, step, scope, visit, state, passed, changed_at)
        select c.instance_id, c.step, c.scope, c.visit, 'WAITING', c.passed, v_now
        from counted c
        where c.passed < c.join_count and not c.waits
        order by c.instance_id, c.step, c.scope, c.visit
    ), raised as (
        update onceflow.task t
        set passed = c.passed
        from (
            select c.* from counted c where c.passed < c.join_count and c.waits
            order by c.instance_id, c.step, c.scope, c.visit offset 0) c
        where t.instance_id = c.instance_id and t.step = c.step and t.scope = c.scope
            and t.visit = c.visit and t.instance_id >= p_ids[1] and t.state = 'WAITING'
    )
    select
        coalesce(array_agg(onceflow.placed_task(c.instance_id, c.step, c.scope, c.visit,
            c.version_id, c.seq, c.state, c.suspended_at, c.waits)) filter (where c.passed >= c.join_count), '{}'),
        coalesce(array_agg(onceflow.task_change(c.instance_id, c.step, c.scope, c.visit, 0,
            null, 'WAITING', p_seq => c.seq))
            filter (where c.passed < c.join_count and not c.waits), '{}')
    into o_due, o_changes
    from counted c;
end $$;
revoke execute on function onceflow.count_joins(uuid[], onceflow.placed_task[]) from public;
