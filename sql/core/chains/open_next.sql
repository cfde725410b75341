-- open_next(block, version, move) -> scope opened   (internal)
-- Opens the next scope of a block of which one runs at a time.
create or replace function onceflow.open_next(
    p_block onceflow.block, p_version_id bigint, p_move onceflow.chain_move)
returns onceflow.scope_key
language plpgsql volatile as $$
declare
    -- The instance's row is told of it by the first task in it (record_changes), with all else.
    v_scope constant bigint := 1 + coalesce((
        select max(s.scope) from onceflow.scope s where s.instance_id = p_block.instance_id), 0);
begin
    insert into onceflow.scope (instance_id, scope, block, parent, visit, ordinal, list, state, open, item)
    values (p_block.instance_id, v_scope, p_block.step, p_block.scope, p_block.visit, p_block.total, p_move.list, 'OPEN', (
        select count(*) from onceflow.step st
        where st.version_id = p_version_id and st.block = p_block.step and st.list = p_move.list and st.join_count = 0),
        p_move.item);
    update onceflow.block b
    set total = b.total + 1, opened = b.opened + 1, under_way = b.under_way + 1, live = b.live + 1,
        plan = null, resume_at = null, caught = coalesce(p_move.caught, b.caught)
    where b.instance_id = p_block.instance_id and b.step = p_block.step and b.scope = p_block.scope
        and b.visit = p_block.visit;
    if p_block.live = 0 then
        perform onceflow.count_live(p_block.instance_id, p_block.scope, 1);
    end if;
    return row(p_block.instance_id, v_scope)::onceflow.scope_key;
end $$;
revoke execute on function onceflow.open_next(onceflow.block, bigint, onceflow.chain_move) from public;
