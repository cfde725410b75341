-- fail_blocks(blocks) -> (changes, failed)   (internal)
-- Blocks that have failed by themselves become open dead letters, to be judged; but for those that have been closed in the
-- same wave.
create or replace function onceflow.fail_blocks(
    p_keys onceflow.task_key[], out o_changes onceflow.change[], out o_failed onceflow.task_key[])
language plpgsql volatile as $$
begin
    with failed as (
        update onceflow.task t set state = 'DEAD_LETTER'
        from unnest(p_keys) k
        where t.instance_id = k.instance_id and t.step = k.step and t.scope = k.scope and t.visit = k.visit
            and t.state = 'WAITING' and t.seq is null
        returning t.instance_id, t.step, t.scope, t.visit, t.error
    )
    select coalesce(array_agg(onceflow.task_change(f.instance_id, f.step, f.scope, f.visit, 0,
            'WAITING', 'DEAD_LETTER', p_error => f.error)), '{}'),
        coalesce(array_agg(row(f.instance_id, f.step, f.scope, f.visit)::onceflow.task_key), '{}')
    into o_changes, o_failed
    from failed f;
end $$;
revoke execute on function onceflow.fail_blocks(onceflow.task_key[]) from public;
