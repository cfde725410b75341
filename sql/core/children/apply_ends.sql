-- apply_ends(sorted ids) -> change[]   (internal)
-- Ends the tasks of locked instances that waited for instances of their own, or for the undoing of these, as they have heard:
-- with the output, or with the error, to be judged. One whose scope closes is CANCELLED, unless what it waited for
-- had succeeded; one that was out of time before has failed by that.
create or replace function onceflow.apply_ends(p_ids uuid[]) returns onceflow.change[]
language plpgsql volatile as $$
declare
    v_now timestamptz := onceflow.now();
    v_changes onceflow.change[];
    v_keys onceflow.task_key[];
    v_ended onceflow.placed_task[];
begin
    -- Once it is applied the row of its task tells of it.
    with applied as (
        delete from onceflow.delivery d
        where d.instance_id = any (p_ids) and d.instance_id >= p_ids[1] and d.state = 'sent' and d.kind = 'end'
        returning d.instance_id, d.step, d.scope, d.visit, d.key, d.payload, d.error
    ), sent as (
        select d.*
        from applied d
        cross join lateral (
            select from onceflow.wait w
            where w.instance_id = d.instance_id and w.step = d.step and w.scope = d.scope and w.visit = d.visit
                and w.instance_id between p_ids[1] and p_ids[cardinality(p_ids)]
                and w.kind = 'child' and w.key = d.key offset 0) w
        offset 0
    ), ended as (
        update onceflow.task t
        set state = k.becomes, attempt = 0, changed_at = v_now, due_at = null,
            error = case when k.becomes <> 'SUCCEEDED' then coalesce(t.error, k.error) end,
            seq = case when k.becomes <> 'DEAD_LETTER' then k.seq end,
            output = case k.becomes when 'SUCCEEDED' then k.payload
                when 'FAILED' then onceflow.failed_output(k.version_id, k.step) end
        from (
            select s.*, i.version_id, i.seq + 1 as seq, i.suspended_at, o.state as own_state, case
                when s.error is null then 'SUCCEEDED'
                when st.kind = 'workflow' and o.state <> 'RUNNING' then 'CANCELLED'
                when st.continues then 'FAILED' else 'DEAD_LETTER' end as becomes
            from sent s
            cross join lateral (
                select i.version_id, i.seq, i.state, case when i.suspended_by = 'operator' then i.suspended_at end as suspended_at
                from onceflow.instance i
                where i.id = s.instance_id and i.id between p_ids[1] and p_ids[cardinality(p_ids)] offset 0) i
            -- As own_state() says, without a call for each.
            cross join lateral (
                select case when s.scope = 0 then i.state else (
                    select case c.state when 'OPEN' then 'RUNNING' else 'CLOSING' end from onceflow.scope c
                    where c.instance_id = s.instance_id and c.scope = s.scope
                        and c.instance_id between p_ids[1] and p_ids[cardinality(p_ids)]) end as state offset 0) o
            cross join lateral (
                select st.kind, st.continues from onceflow.step st
                where st.version_id = i.version_id and st.step = s.step offset 0) st
            offset 0) k
        where t.instance_id = k.instance_id and t.step = k.step and t.scope = k.scope and t.visit = k.visit
            and t.instance_id >= p_ids[1] and t.state = 'WAITING' and t.seq is null
        returning t.instance_id, t.step, t.scope, t.visit, t.attempt, t.state, t.error,
            k.version_id, k.seq, k.own_state, k.suspended_at
    )
    select coalesce(array_agg(onceflow.task_change(e.instance_id, e.step, e.scope, e.visit, e.attempt,
            'WAITING', e.state, p_error => e.error)), '{}'),
        coalesce(array_agg(row(e.instance_id, e.step, e.scope, e.visit)::onceflow.task_key), '{}'),
        coalesce(array_agg(onceflow.placed_task(e.instance_id, e.step, e.scope, e.visit, e.version_id, e.seq, e.own_state,
            e.suspended_at)) filter (where e.state in ('FAILED', 'SUCCEEDED')), '{}')
    into v_changes, v_keys, v_ended
    from ended e;
    if cardinality(v_keys) = 0 then
        return '{}';
    end if;
    perform onceflow.forget_waits(p_ids, v_keys);
    return (onceflow.advance_instances(p_ids, v_changes, v_ended, '{}', onceflow.changed_to(v_changes, 'DEAD_LETTER'), array(
            select row(k.instance_id, k.scope)::onceflow.scope_key
            from unnest(onceflow.changed_to(v_changes, 'SUCCEEDED')) k where k.step like '%.compensate'))).o_changes;
end $$;
revoke execute on function onceflow.apply_ends(uuid[]) from public;
