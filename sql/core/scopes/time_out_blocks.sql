-- time_out_blocks(sorted ids, blocks, now) -> change[]   (internal)
-- Of blocks of locked instances those that are past their timeout fail with it, to be judged: fire_timers().
create or replace function onceflow.time_out_blocks(p_ids uuid[], p_blocks onceflow.task_key[], p_now timestamptz)
returns onceflow.change[]
language plpgsql volatile as $$
declare
    v_changes onceflow.change[];
begin
    if cardinality(p_blocks) = 0 then
        return '{}';
    end if;
    with late as (
        update onceflow.block b
        set timeout_at = null, resume_at = null
        from (
            select k.*, b.timeout_at
            from unnest(p_blocks) k
            cross join lateral (
                select b.timeout_at from onceflow.block b
                where b.instance_id = k.instance_id and b.step = k.step and b.scope = k.scope and b.visit = k.visit
                    and b.instance_id between p_ids[1] and p_ids[cardinality(p_ids)]
                    and b.timeout_at <= p_now offset 0) b
            offset 0) k
        where b.instance_id = k.instance_id and b.step = k.step and b.scope = k.scope and b.visit = k.visit
            and b.instance_id >= p_ids[1]
        returning k.*
    ), failed as (
        update onceflow.task t
        set state = 'DEAD_LETTER', changed_at = p_now, error = jsonb_build_object('code', 'timeout', 'place', 'timeout',
            'message', 'the block took longer than its timeout, until ' || onceflow.time_text(l.timeout_at))
        from late l
        where t.instance_id = l.instance_id and t.step = l.step and t.scope = l.scope and t.visit = l.visit
            and t.instance_id >= p_ids[1] and t.state = 'WAITING'
        returning t.instance_id, t.step, t.scope, t.visit, t.attempt, t.error
    )
    select coalesce(array_agg(onceflow.task_change(f.instance_id, f.step, f.scope, f.visit, f.attempt,
        'WAITING', 'DEAD_LETTER', p_error => f.error)), '{}')
    into v_changes
    from failed f;
    return v_changes;
end $$;
revoke execute on function onceflow.time_out_blocks(uuid[], onceflow.task_key[], timestamptz) from public;
