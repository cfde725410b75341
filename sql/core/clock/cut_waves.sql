-- cut_waves(sorted ids, due, touched, changes) -> (changes, counts)   (internal)
-- Leaves the rest of a transition to the next one: the steps that are due as rows, WAITING, due at once; and a mark of the
-- instances, also of those whose scopes have more to decide, as p_touched and the last changes tell. begin_instances() goes on
-- with both (resume_cut). o_counts is what the rows of scopes do not count yet of all these changes.
create or replace function onceflow.cut_waves(
    p_ids uuid[], p_due onceflow.placed_task[], p_touched onceflow.scope_key[], p_changes onceflow.change[],
    out o_changes onceflow.change[], out o_counts onceflow.scope_count[])
language plpgsql volatile as $$
declare
    v_now timestamptz := onceflow.now();
begin
    update onceflow.instance i set resume_at = v_now
    where i.id >= p_ids[1] and i.state in ('RUNNING', 'CLOSING', 'COMPENSATING') and i.id in (
        select d.instance_id from unnest(p_due) d
        union
        select t.instance_id from unnest(p_touched) t
        union
        select c.instance_id from unnest(p_changes) c where c.scope > 0);
    update onceflow.task t set due_at = v_now
    from unnest(p_due) d
    where d.waits and d.undoes_seq is null and t.instance_id = d.instance_id and t.step = d.step and t.scope = d.scope and t.visit = d.visit
        and t.instance_id >= p_ids[1] and t.state = 'WAITING';
    with left_over as (
        insert into onceflow.task (instance_id, step, scope, visit, state, undoes_seq, due_at, changed_at)
        select d.instance_id, d.step, d.scope, d.visit, 'WAITING', d.undoes_seq, v_now, v_now
        from unnest(p_due) d
        where not d.waits or d.undoes_seq is not null
        order by 1, 2, 3, 4
        returning instance_id, step, scope, visit, undoes_seq
    )
    select coalesce(array_agg(onceflow.task_change(l.instance_id, l.step, l.scope, l.visit, 0, null, 'WAITING')), '{}')
    into o_changes
    -- Of what is undone plan_undo() has told already.
    from left_over l where l.undoes_seq is null;
    o_counts := onceflow.scope_counts(p_changes || o_changes);
end $$;
revoke execute on function onceflow.cut_waves(
    uuid[], onceflow.placed_task[], onceflow.scope_key[], onceflow.change[]) from public;
