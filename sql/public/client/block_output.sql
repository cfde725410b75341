-- block_output(instance, step, scope, visit) -> jsonb
-- What a block has given that has SUCCEEDED: put together of the outputs of its scopes, where it is read. Of one that was
-- skipped, or has failed while its instance goes on, what was given in its place; null of any other.
create or replace function onceflow.block_output(p_instance_id uuid, p_step text, p_scope bigint, p_visit int)
returns jsonb
language plpgsql stable security definer set search_path = pg_catalog, pg_temp as $$
begin
    return (
        select onceflow.seen_output(t.instance_id, i.version_id, t.step, t.scope, t.visit, t.state, t.output)
        from onceflow.instance i
        join onceflow.task t on t.instance_id = i.id
        where i.id = p_instance_id and t.step = p_step and t.scope = p_scope and t.visit = p_visit);
end $$;
revoke execute on function onceflow.block_output(uuid, text, bigint, int) from public;
