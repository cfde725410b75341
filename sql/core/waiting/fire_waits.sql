-- fire_waits(sorted ids, keys, until) -> change[]   (internal)
-- Ends tasks of locked instances that wait by themselves and whose times have come, as sort_due() found them: a sleep is over,
-- any other has failed by its timeout, to be judged: for fire_timers().
create or replace function onceflow.fire_waits(p_ids uuid[], p_keys onceflow.task_key[], p_until timestamptz[])
returns onceflow.change[]
language plpgsql volatile as $$
declare
    v_ended onceflow.ended_wait[];
    v_children onceflow.task_key[];
begin
    if cardinality(p_keys) = 0 then
        return '{}';
    end if;
    select coalesce(array_agg(row(k.instance_id, k.step, k.scope, k.visit, null, case when s.kind <> 'sleep'
            then jsonb_build_object('code', 'timeout', 'place', 'timeout', 'message',
                case s.kind when 'approve' then 'nobody has answered until ' else 'what it waits for did not come until ' end
                    || onceflow.time_text(k.due_at)) end)::onceflow.ended_wait)
            filter (where s.kind <> 'workflow'), '{}'),
        array_agg(row(k.instance_id, k.step, k.scope, k.visit)::onceflow.task_key) filter (where s.kind = 'workflow')
    into v_ended, v_children
    from unnest(p_keys, p_until) k (instance_id, step, scope, visit, due_at)
    cross join lateral (
        select i.version_id from onceflow.instance i
        where i.id = k.instance_id and i.id between p_ids[1] and p_ids[cardinality(p_ids)] offset 0) i
    cross join lateral (
        select s.kind from onceflow.step s
        where s.version_id = i.version_id and s.step = k.step offset 0) s;
    if v_children is not null then
        perform onceflow.time_out_children(p_ids, v_children);
    end if;
    return onceflow.end_waits(p_ids, v_ended);
end $$;
revoke execute on function onceflow.fire_waits(uuid[], onceflow.task_key[], timestamptz[]) from public;
