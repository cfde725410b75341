-- pass_edges(ids, ended) -> due, changes   (internal)
-- The firing rule. Each task in p_ended passes its outgoing edges, live. A step with one edge into
-- it is due; a join is due when every edge into it has passed (count_joins).
-- Where a step may be visited more than once its visit is its own next one.
-- Successors follow only where the instance, locked before, is RUNNING.
create or replace function onceflow.pass_edges(
    p_ids uuid[], p_ended onceflow.placed_task[],
    out o_due onceflow.placed_task[], out o_changes onceflow.change[])
language plpgsql volatile as $$
declare
    v_joins onceflow.placed_task[];
    v_counted record;
begin
    select coalesce(array_agg(p.passed) filter (where p.join_count <= 1), '{}'),
        coalesce(array_agg(p.passed) filter (where p.join_count > 1), '{}')
    into o_due, v_joins
    from (
        select onceflow.placed_task(k.instance_id, e.to_step, k.scope,
            case e.join_count when 0 then onceflow.next_visit(k.instance_id, e.to_step, k.scope) else k.visit end,
            k.version_id, k.seq, k.state, k.suspended_at) as passed, e.join_count
        from unnest(p_ended) k
        cross join lateral (
            select e.to_step, e.join_count from onceflow.edge e
            where e.version_id = k.version_id and e.from_step = k.step and e.kind = 'next' offset 0) e
        where k.state = 'RUNNING') p;

    o_changes := '{}';
    if cardinality(v_joins) > 0 then
        v_counted := onceflow.count_joins(p_ids, v_joins);
        o_due := o_due || v_counted.o_due;
        o_changes := v_counted.o_changes;
    end if;
end $$;
revoke execute on function onceflow.pass_edges(uuid[], onceflow.placed_task[]) from public;
