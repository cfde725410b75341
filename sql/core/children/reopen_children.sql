-- reopen_children(sorted ids) -> void   (internal)
-- Of locked instances those that were told to undo what they have done, since the step that had started them is undone: one
-- that has SUCCEEDED is COMPENSATING, or has nothing to undo and is COMPENSATED. Of any other its end is told again.
create or replace function onceflow.reopen_children(p_ids uuid[]) returns void
language plpgsql volatile as $$
declare
    v_told uuid[];
    v_ids uuid[];
begin
    with told as (
        update onceflow.delivery d
        set state = 'taken'
        where d.instance_id = any (p_ids) and d.instance_id >= p_ids[1] and d.state = 'sent' and d.kind = 'undo'
        returning d.instance_id, d.step
    ), noted as (
        update onceflow.child c
        set answers = t.step
        from told t
        where c.instance_id = t.instance_id and c.instance_id >= p_ids[1]
        returning c.instance_id
    )
    select coalesce(array_agg(n.instance_id order by n.instance_id), '{}') into v_told from noted n;
    with reopened as (
        update onceflow.instance i
        set state = 'CLOSING', closing_as = 'COMPENSATED', compensate = true, ended_at = null, output = null,
            error = jsonb_build_object('code', 'parent.undone', 'message',
                format('the instance %s, a step of which had started it, undoes that step', i.parent_id))
        where i.id = any (v_told) and i.id >= p_ids[1] and i.state = 'SUCCEEDED'
        returning i.id
    )
    select coalesce(array_agg(r.id order by r.id), '{}') into v_ids from reopened r;
    if cardinality(v_ids) > 0 then
        perform onceflow.finish_transition(v_ids, onceflow.settle_instances(v_ids));
    end if;
    perform onceflow.tell_parents(v_told);
end $$;
revoke execute on function onceflow.reopen_children(uuid[]) from public;
