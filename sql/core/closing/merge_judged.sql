-- merge_judged(changes, handled) -> change[]   (internal)
-- The changes of a transition without the dead letters that tasks were until somebody was found who handles their
-- failures: of each that is handled its end alone, from what it was before.
create or replace function onceflow.merge_judged(p_changes onceflow.change[], p_handled onceflow.task_key[])
returns onceflow.change[]
language plpgsql immutable as $$
begin
    return array(
        with given as (
            select c.*, row(c.instance_id, c.step, c.scope, c.visit)::onceflow.task_key = any (p_handled) as handled
            from unnest(p_changes) with ordinality c (instance_id, step, scope, visit, attempt,
                was, state, opened, worker_id, queue, error, seq, n)
        )
        select row(g.instance_id, g.step, g.scope, g.visit, g.attempt,
            case when f.n is null then g.was else f.was end, g.state, g.opened + coalesce(f.opened, 0),
            coalesce(g.worker_id, f.worker_id), g.queue, g.error, coalesce(g.seq, f.seq))::onceflow.change
        from given g
        left join lateral (
            select f.n, f.was, f.opened, f.worker_id, f.seq from given f
            where g.handled and g.was = 'DEAD_LETTER' and f.state = 'DEAD_LETTER'
                and f.was is distinct from 'DEAD_LETTER' and f.instance_id = g.instance_id and f.step = g.step
                and f.scope = g.scope and f.visit = g.visit
            limit 1) f on true
        where not (g.handled and g.state = 'DEAD_LETTER')
        order by g.n);
end $$;
revoke execute on function onceflow.merge_judged(onceflow.change[], onceflow.task_key[]) from public;
