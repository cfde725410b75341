-- item_errors(instance, block, scope, visit) -> jsonb   (internal)
-- The items of a for_each that have failed: an array of {index, error}.
create or replace function onceflow.item_errors(p_instance_id uuid, p_block text, p_scope bigint, p_visit int)
returns jsonb
language plpgsql stable as $$
begin
    return (
        select coalesce(jsonb_agg(jsonb_build_object('index', s.ordinal, 'error', s.error) order by s.ordinal), '[]')
        from onceflow.scope s
        where s.instance_id = p_instance_id and s.parent = p_scope and s.block = p_block and s.visit = p_visit
            and s.error is not null);
end $$;
revoke execute on function onceflow.item_errors(uuid, text, bigint, int) from public;
