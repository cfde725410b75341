-- merge_judged(changes, handled) -> change[]   (internal)
-- The changes of a transition without the dead letters that tasks were until somebody was found who handles their
-- failures: of each that is handled its end alone, from what it was before.
create or replace function onceflow.merge_judged(p_changes onceflow.change[], p_handled onceflow.task_key[])
returns onceflow.change[]
language plpgsql immutable as $$
begin
    return array(
        with marked as (
            select c.*, null::boolean as handled,
                c.state = 'DEAD_LETTER' and c.was is distinct from 'DEAD_LETTER' as died
            from unnest(p_changes) with ordinality c (instance_id, step, scope, visit, attempt,
                was, state, opened, worker_id, queue, error, seq, n)
            union all
            select h.instance_id, h.step, h.scope, h.visit, null, null, null, null, null, null, null, null, null,
                true, false
            from unnest(p_handled) h
        ), given as (
            -- In one sort: no change is looked for among all.
            select m.*, coalesce(bool_or(m.handled) over task, false) as judged,
                bool_or(m.died) over task and m.was = 'DEAD_LETTER' as merged,
                min(m.was) filter (where m.died) over task as died_was,
                max(m.opened) filter (where m.died) over task as died_opened,
                (array_agg(m.worker_id) filter (where m.died) over task)[1] as died_worker_id,
                max(m.seq) filter (where m.died) over task as died_seq
            from marked m
            window task as (partition by m.instance_id, m.step, m.scope, m.visit)
        )
        select case when g.judged and g.merged
            then row(g.instance_id, g.step, g.scope, g.visit, g.attempt, g.died_was, g.state,
                g.opened + g.died_opened, coalesce(g.worker_id, g.died_worker_id), g.queue, g.error,
                coalesce(g.seq, g.died_seq))::onceflow.change
            else row(g.instance_id, g.step, g.scope, g.visit, g.attempt, g.was, g.state, g.opened,
                g.worker_id, g.queue, g.error, g.seq)::onceflow.change end
        from given g
        where g.handled is null and not (g.judged and g.state = 'DEAD_LETTER')
        order by g.n);
end $$;
revoke execute on function onceflow.merge_judged(onceflow.change[], onceflow.task_key[]) from public;
