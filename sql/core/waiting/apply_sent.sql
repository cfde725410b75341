-- apply_sent(sorted ids) -> change[]   (internal)
-- Applies what has been sent to locked instances, in the order in which it was: what answers a task that waits ends its
-- wait, the first of several; what comes too late for its task is void.
create or replace function onceflow.apply_sent(p_ids uuid[]) returns onceflow.change[]
language plpgsql volatile as $$
declare
    v_ended onceflow.ended_wait[];
begin
    with sent as (
        select d.instance_id, d.id, d.step, d.scope, d.visit, d.payload, d.error,
            w.n is not null and row_number() over (
                partition by d.instance_id, d.step, d.scope, d.visit order by d.id) = 1 as answers
        from onceflow.delivery d
        left join lateral (
            select w.n from onceflow.wait w
            where w.instance_id = d.instance_id and w.step = d.step and w.scope = d.scope and w.visit = d.visit
                offset 0) w on true
        where d.instance_id = any (p_ids) and d.instance_id >= p_ids[1] and d.state = 'sent'
            and d.kind in ('signal', 'event', 'form')
        order by d.id
    ), applied as (
        update onceflow.delivery d
        set state = case when s.answers then 'taken' else 'void' end
        from sent s
        where d.instance_id = s.instance_id and d.id = s.id and d.instance_id >= p_ids[1] and d.state = 'sent'
    )
    select array_agg(row(s.instance_id, s.step, s.scope, s.visit, s.payload, s.error)::onceflow.ended_wait)
    into v_ended
    from sent s
    where s.answers;
    return onceflow.move_waiting(p_ids, onceflow.end_waits(p_ids, v_ended));
end $$;
revoke execute on function onceflow.apply_sent(uuid[]) from public;
