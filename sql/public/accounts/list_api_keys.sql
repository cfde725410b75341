-- list_api_keys() -> (name, role, created_at, expires_at, last_used_at, revoked_at)
-- All keys by their names, also those that were revoked, these from the latest; what they are is not told, since it is not known.
create or replace function onceflow.list_api_keys()
returns table (name text, role text, created_at timestamptz, expires_at timestamptz, last_used_at timestamptz,
    revoked_at timestamptz)
language plpgsql stable security definer set search_path = pg_catalog, pg_temp as $$
begin
    return query
    select k.name, k.role, k.created_at, k.expires_at, k.last_used_at, k.revoked_at
    from onceflow.api_key k
    order by k.name, k.revoked_at desc nulls first
    limit 10000;
end $$;
revoke execute on function onceflow.list_api_keys() from public;
