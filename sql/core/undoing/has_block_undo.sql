-- has_block_undo(instance, version, block, scope, visit) -> boolean   (internal)
-- Whether in a scope of the block there is something to undo (has_undo).
create or replace function onceflow.has_block_undo(
    p_instance_id uuid, p_version_id bigint, p_block text, p_scope bigint, p_visit int)
returns boolean
language plpgsql stable as $$
begin
    return exists (
        select from onceflow.scope s
        where s.instance_id = p_instance_id and s.parent = p_scope and s.block = p_block and s.visit = p_visit
            and s.state <> 'WAITING' and onceflow.has_undo(p_instance_id, p_version_id, s.scope));
end $$;
revoke execute on function onceflow.has_block_undo(uuid, bigint, text, bigint, int) from public;
