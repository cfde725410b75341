-- scope_place(instance, scope) -> text
-- Where a scope lies, as scope_places() says it. Null for scope 0, which is the instance, and where there is no such scope.
create or replace function onceflow.scope_place(p_instance_id uuid, p_scope bigint) returns text
language plpgsql stable security definer set search_path = pg_catalog, pg_temp as $$
begin
    return (select p.place from onceflow.scope_places(p_instance_id, array[p_scope]) p);
end $$;
revoke execute on function onceflow.scope_place(uuid, bigint) from public;
