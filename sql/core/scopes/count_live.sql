-- count_live(instance, scope, blocks) -> void   (internal)
-- A block of the scope has begun to live (1), or nothing beneath it does any more (-1).
create or replace function onceflow.count_live(p_instance_id uuid, p_scope bigint, p_blocks int) returns void
language plpgsql volatile as $$
begin
    if p_scope > 0 then
        update onceflow.scope s set live = s.live + p_blocks
        where s.instance_id = p_instance_id and s.scope = p_scope;
    end if;
end $$;
revoke execute on function onceflow.count_live(uuid, bigint, int) from public;
