-- tell_parents(sorted ids) -> void   (internal)
-- Of locked instances that a step of another waits for, and that have ended, or were undone: tells that step, once, how.
create or replace function onceflow.tell_parents(p_ids uuid[]) returns void
language plpgsql volatile as $$
declare
    v_now constant timestamptz := onceflow.now();
begin
    with told as (
        update onceflow.child c
        set answers = null
        from (
            select i.id, i.state, i.output, i.error, c.answers
            from onceflow.instance i
            cross join lateral (
                select c.answers from onceflow.child c
                where c.instance_id = i.id and c.instance_id between p_ids[1] and p_ids[cardinality(p_ids)] offset 0) c
            where i.id = any (p_ids) and i.id >= p_ids[1] and i.ended_at is not null and c.answers is not null
            offset 0) k
        where c.instance_id = k.id and c.instance_id >= p_ids[1] and c.answers is not null
        returning c.instance_id, c.parent_id, c.scope, c.visit, k.answers, k.state, k.output, k.error
    )
    insert into onceflow.delivery (instance_id, id, kind, name, key, step, scope, visit, payload, error, state, made_at)
    select t.parent_id, nextval('onceflow.delivery_id'), 'end', t.state, t.instance_id::text, t.answers, t.scope, t.visit,
        case t.state when 'SUCCEEDED' then coalesce(t.output, 'null') end,
        case when t.state <> case when t.answers like '%.compensate' then 'COMPENSATED' else 'SUCCEEDED' end
        then jsonb_build_object('code', coalesce(t.error ->> 'code', 'cancelled'), 'message', format('%s ended as %s%s',
                t.instance_id, t.state, coalesce(': ' || (t.error ->> 'message'), '')),
            'detail', jsonb_build_object('instance', t.instance_id, 'state', t.state, 'task', t.error -> 'task')) end,
        'sent', v_now
    from (select t.* from told t order by t.parent_id, t.instance_id offset 0) t;
    if found then
        perform onceflow.wake_sleepers('{*deliveries}');
    end if;
end $$;
revoke execute on function onceflow.tell_parents(uuid[]) from public;
