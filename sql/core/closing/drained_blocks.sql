-- drained_blocks(blocks) -> task_key[]   (internal)
-- Those of blocks that have failed and whose steps go on in which nothing is left to end: between two rounds, or attempts.
create or replace function onceflow.drained_blocks(p_blocks onceflow.task_key[]) returns onceflow.task_key[]
language plpgsql stable as $$
begin
    return array(
        select row(k.instance_id, k.step, k.scope, k.visit)::onceflow.task_key
        from unnest(p_blocks) k
        join onceflow.block b on b.instance_id = k.instance_id and b.step = k.step and b.scope = k.scope and b.visit = k.visit
        where b.unwinds = 'closing' and b.live = 0);
end $$;
revoke execute on function onceflow.drained_blocks(onceflow.task_key[]) from public;
