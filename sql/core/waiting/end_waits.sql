-- end_waits(sorted ids, ended) -> change[]   (internal)
-- Ends waits of locked instances, each with what its step gives, or with the error that it fails with: FAILED where its
-- step lets the instance go on, else a dead letter, which advance_instances() judges. Of what waits no more nothing changes.
create or replace function onceflow.end_waits(p_ids uuid[], p_ended onceflow.ended_wait[]) returns onceflow.change[]
language plpgsql volatile as $$
declare
    v_now timestamptz := onceflow.now();
    v_changes onceflow.change[];
begin
    if p_ended is null or cardinality(p_ended) = 0 then
        return '{}';
    end if;
    with ended as (
        update onceflow.task t
        set state = k.becomes, due_at = null, changed_at = v_now, error = k.error,
            seq = case when k.becomes <> 'DEAD_LETTER' then k.seq end,
            output = case k.becomes when 'SUCCEEDED' then k.output
                when 'FAILED' then onceflow.failed_output(k.version_id, k.step) end
        from (
            select e.*, i.version_id, i.seq + 1 as seq,
                case when e.error is null then 'SUCCEEDED' when s.continues then 'FAILED' else 'DEAD_LETTER' end as becomes
            from unnest(p_ended) e
            cross join lateral (
                select i.version_id, i.seq from onceflow.instance i
                where i.id = e.instance_id and i.id between p_ids[1] and p_ids[cardinality(p_ids)] offset 0) i
            cross join lateral (
                select s.continues from onceflow.step s
                where s.version_id = i.version_id and s.step = e.step offset 0) s
            offset 0) k
        where t.instance_id = k.instance_id and t.step = k.step and t.scope = k.scope and t.visit = k.visit
            and t.instance_id >= p_ids[1] and t.state = 'WAITING' and t.fence is null and t.input is not null
        returning t.instance_id, t.step, t.scope, t.visit, t.state, t.error
    )
    select coalesce(array_agg(onceflow.task_change(e.instance_id, e.step, e.scope, e.visit, 0,
        'WAITING', e.state, p_error => e.error)), '{}')
    into v_changes
    from ended e;
    perform onceflow.forget_waits(p_ids, array(
        select row(e.instance_id, e.step, e.scope, e.visit)::onceflow.task_key from unnest(p_ended) e));
    return v_changes;
end $$;
revoke execute on function onceflow.end_waits(uuid[], onceflow.ended_wait[]) from public;
