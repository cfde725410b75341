-- resume_chains(sorted ids, blocks, now) -> (changes, opened)   (internal)
-- Of blocks of locked instances those go on whose wait is over: fire_timers(). What failed or ended of them the changes tell.
create or replace function onceflow.resume_chains(
    p_ids uuid[], p_blocks onceflow.task_key[], p_now timestamptz,
    out o_changes onceflow.change[], out o_opened onceflow.scope_key[])
language plpgsql volatile as $$
declare
    v_moved record;
begin
    o_changes := '{}'; o_opened := '{}';
    if cardinality(p_blocks) = 0 then
        return;
    end if;
    v_moved := onceflow.move_chains(p_ids, array(
        select k::onceflow.task_key
        from unnest(p_blocks) k
        cross join lateral (
            select from onceflow.block b
            where b.instance_id = k.instance_id and b.step = k.step and b.scope = k.scope and b.visit = k.visit
                and b.instance_id between p_ids[1] and p_ids[cardinality(p_ids)]
                and b.resume_at <= p_now offset 0) b));
    o_opened := v_moved.o_opened;
    o_changes := v_moved.o_changes || (onceflow.fail_blocks(v_moved.o_failed)).o_changes;
end $$;
revoke execute on function onceflow.resume_chains(uuid[], onceflow.task_key[], timestamptz) from public;
