-- accounts_exist() -> boolean
-- Whether any person or key has ever been made: from then on the api asks everybody who he is.
create or replace function onceflow.accounts_exist() returns boolean
language plpgsql stable security definer set search_path = pg_catalog, pg_temp as $$
begin
    return exists (select from onceflow.person) or exists (select from onceflow.api_key);
end $$;
revoke execute on function onceflow.accounts_exist() from public;
