-- close_session(hash) -> boolean
-- Logs out whoever is logged in by what has this hash: whether anybody was.
create or replace function onceflow.close_session(p_hash bytea) returns boolean
language plpgsql volatile security definer set search_path = pg_catalog, pg_temp as $$
begin
    delete from onceflow.session s where s.hash = p_hash;
    return found;
end $$;
revoke execute on function onceflow.close_session(bytea) from public;
