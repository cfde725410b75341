-- begin_unwinding(sorted ids, blocks, failed) -> void   (internal)
-- Blocks that fail while their steps go on: their tasks wait, with the error, until all their scopes have ended
-- (unwind_blocks). The error is that of the block itself, where it has failed, else the first by path of what
-- failed beneath it.
create or replace function onceflow.begin_unwinding(
    p_ids uuid[], p_blocks onceflow.task_key[], p_failed onceflow.task_key[])
returns void
language plpgsql volatile as $$
declare
    v_now constant timestamptz := onceflow.now();
    v_ways constant onceflow.failed_way[] :=
        case when cardinality(p_blocks) > 0 then onceflow.failed_ways(p_failed) else '{}' end;
begin
    with begun as (
        update onceflow.block b
        set unwinds = 'closing', timeout_at = null, resume_at = null
        from unnest(p_blocks) k
        where b.instance_id = k.instance_id and b.step = k.step and b.scope = k.scope and b.visit = k.visit
            and b.instance_id >= p_ids[1]
        returning k.instance_id, k.step, k.scope, k.visit
    )
    update onceflow.task t
    set state = 'WAITING', changed_at = v_now, error = case t.state when 'DEAD_LETTER' then t.error else (
        select w.error from unnest(v_ways) w
        where w.instance_id = b.instance_id and w.parent = b.scope and w.block = b.step and w.visit = b.visit
        limit 1) end
    from begun b
    where t.instance_id = b.instance_id and t.step = b.step and t.scope = b.scope and t.visit = b.visit
        and t.instance_id >= p_ids[1] and t.state in ('WAITING', 'DEAD_LETTER');
end $$;
revoke execute on function onceflow.begin_unwinding(uuid[], onceflow.task_key[], onceflow.task_key[]) from public;
