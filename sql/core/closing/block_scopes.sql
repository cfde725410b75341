-- block_scopes(block's task, outermost, undoes) -> closing_scope[]   (internal)
-- The scopes of a block that have not ended, to be closed.
create or replace function onceflow.block_scopes(p_key onceflow.task_key, p_outermost boolean, p_undoes boolean)
returns onceflow.closing_scope[]
language plpgsql stable as $$
begin
    return array(
        select row(s.instance_id, s.scope, p_outermost, p_undoes)::onceflow.closing_scope
        from onceflow.scope s
        where s.instance_id = (p_key).instance_id and s.parent = (p_key).scope and s.block = (p_key).step
            and s.visit = (p_key).visit and s.state in ('WAITING', 'OPEN', 'CLOSING'));
end $$;
revoke execute on function onceflow.block_scopes(onceflow.task_key, boolean, boolean) from public;
