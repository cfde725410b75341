-- revoke_api_key(name) -> boolean
-- Takes a key back for good, at once: whether there was one of this name that had not been. Another may then have its name.
create or replace function onceflow.revoke_api_key(p_name text) returns boolean
language plpgsql volatile security definer set search_path = pg_catalog, pg_temp as $$
begin
    update onceflow.api_key k set revoked_at = onceflow.now() where k.name = p_name and k.revoked_at is null;
    if not found then
        return false;
    end if;
    perform onceflow.record_audit('revoke_api_key', 'key', array[p_name]);
    return true;
end $$;
revoke execute on function onceflow.revoke_api_key(text) from public;
