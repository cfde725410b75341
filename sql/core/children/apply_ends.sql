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
begin
    with sent as (
        select d.instance_id, d.id, d.step, d.scope, d.visit, d.payload, d.error, w.key is not null as awaited
        from onceflow.delivery d
        left join lateral (
            select w.key from onceflow.wait w
            where w.instance_id = d.instance_id and w.step = d.step and w.scope = d.scope and w.visit = d.visit
                and w.kind = 'child' and w.key = d.key offset 0) w on true
        where d.instance_id = any (p_ids) and d.instance_id >= p_ids[1] and d.state = 'sent' and d.kind = 'end'
        offset 0
    ), applied as (
        update onceflow.delivery d
        set state = case when s.awaited then 'taken' else 'void' end
        from sent s
        where d.instance_id = s.instance_id and d.id = s.id and d.instance_id >= p_ids[1] and d.state = 'sent'
    ), ended as (
        update onceflow.task t
        set state = k.becomes, attempt = 0, changed_at = v_now, due_at = null,
            error = case when k.becomes <> 'SUCCEEDED' then coalesce(t.error, k.error) end,
            seq = case when k.becomes <> 'DEAD_LETTER' then k.seq end,
            output = case k.becomes when 'SUCCEEDED' then k.payload
                when 'FAILED' then onceflow.failed_output(k.version_id, k.step) end
        from (
            select s.*, i.version_id, i.seq + 1 as seq, case
                when s.error is null then 'SUCCEEDED'
                when st.kind = 'workflow' and onceflow.own_state(s.instance_id, s.scope, i.state) <> 'RUNNING' then 'CANCELLED'
                when st.continues then 'FAILED' else 'DEAD_LETTER' end as becomes
            from sent s
            cross join lateral (
                select i.version_id, i.seq, i.state from onceflow.instance i
                where i.id = s.instance_id and i.id between p_ids[1] and p_ids[cardinality(p_ids)] offset 0) i
            cross join lateral (
                select st.kind, st.continues from onceflow.step st
                where st.version_id = i.version_id and st.step = s.step offset 0) st
            where s.awaited offset 0) k
        where t.instance_id = k.instance_id and t.step = k.step and t.scope = k.scope and t.visit = k.visit
            and t.instance_id >= p_ids[1] and t.state = 'WAITING' and t.seq is null
        returning t.instance_id, t.step, t.scope, t.visit, t.attempt, t.state, t.error
    )
    select coalesce(array_agg(onceflow.task_change(e.instance_id, e.step, e.scope, e.visit, e.attempt,
            'WAITING', e.state, p_error => e.error)), '{}'),
        coalesce(array_agg(row(e.instance_id, e.step, e.scope, e.visit)::onceflow.task_key), '{}')
    into v_changes, v_keys
    from ended e;
    if cardinality(v_keys) = 0 then
        return '{}';
    end if;
    perform onceflow.forget_waits(p_ids, v_keys);
    return (onceflow.advance_instances(p_ids, v_changes,
        onceflow.find_tasks(p_ids, onceflow.changed_to(v_changes, 'FAILED') || onceflow.changed_to(v_changes, 'SUCCEEDED')),
        '{}', onceflow.changed_to(v_changes, 'DEAD_LETTER'), array(
            select row(k.instance_id, k.scope)::onceflow.scope_key
            from unnest(onceflow.changed_to(v_changes, 'SUCCEEDED')) k where k.step like '%.compensate'))).o_changes;
end $$;
revoke execute on function onceflow.apply_ends(uuid[]) from public;
