-- complete_set(worker, sorted ids, keys, fences, outputs) -> changes, ended, accepted, undone   (internal)
-- Ends attempts with their outputs, whose instances are locked, as complete_alone() does one. o_accepted are the ordinals of
-- those that were held under their fences; of the others nothing was changed. o_undone: the scopes of which a compensation has ended.
create or replace function onceflow.complete_set(
    p_worker_id uuid, p_ids uuid[], p_keys onceflow.task_key[], p_fences uuid[], p_outputs jsonb[],
    out o_changes onceflow.change[], out o_ended onceflow.placed_task[], out o_accepted int[], out o_undone onceflow.scope_key[])
language plpgsql volatile as $$
declare
    v_now timestamptz := onceflow.now();
    v_own_states text[];
begin
    -- Most are in no scope, and for them none is looked at.
    if exists (select from unnest(p_keys) k where k.scope > 0) then
        v_own_states := onceflow.own_states(p_keys);
    end if;

    -- A RUNNING row of a locked instance is nobody else's to change; they are taken in order all the same.
    with completed as (
        update onceflow.task t
        set state = 'SUCCEEDED', output = k.output, seq = k.seq, error = null,
            worker_id = null, call = null, due_at = null, changed_at = v_now
        from (
            select k.*, i.version_id, i.seq + 1 as seq, i.suspended_at,
                coalesce(k.own_state, i.state) as state
            from unnest(p_keys, p_fences, p_outputs, v_own_states)
                with ordinality k (instance_id, step, scope, visit, fence, output, own_state, n)
            cross join lateral (
                select i.version_id, i.seq, i.state, case when i.suspended_by = 'operator' then i.suspended_at end as suspended_at
                from onceflow.instance i
                where i.id = k.instance_id and i.id between p_ids[1] and p_ids[cardinality(p_ids)] offset 0) i
            order by k.instance_id, k.step, k.scope, k.visit
            offset 0) k
        where t.instance_id = k.instance_id and t.step = k.step and t.scope = k.scope
            and t.visit = k.visit and t.instance_id >= p_ids[1]
            and t.state in ('RUNNING', 'WAITING') and t.fence = k.fence -- WAITING: deferred
        returning t.attempt, t.queue, t.undoes_seq, k.*
    )
    select coalesce(array_agg(onceflow.task_change(c.instance_id, c.step, c.scope, c.visit, c.attempt,
            'RUNNING', 'SUCCEEDED', c.queue, p_worker_id, p_seq => c.seq)), '{}'),
        coalesce(array_agg(onceflow.placed_task(c.instance_id, c.step, c.scope, c.visit,
            c.version_id, c.seq, c.state, c.suspended_at)), '{}'),
        coalesce(array_agg(c.n), '{}'),
        coalesce(array_agg(row(c.instance_id, c.scope)::onceflow.scope_key) filter (where c.undoes_seq is not null), '{}')
    into o_changes, o_ended, o_accepted, o_undone
    from completed c;
end $$;
revoke execute on function onceflow.complete_set(uuid, uuid[], onceflow.task_key[], uuid[], jsonb[]) from public;
