-- find_login(name) -> (name, password)
-- What the password of a person is checked by; no row where nobody of this name may log in by one.
create or replace function onceflow.find_login(p_name text) returns table (name text, password text)
language plpgsql stable security definer set search_path = pg_catalog, pg_temp as $$
begin
    return query
    select p.name, p.password from onceflow.person p
    where lower(p.name) = lower(p_name) and p.password is not null and p.disabled_at is null;
end $$;
revoke execute on function onceflow.find_login(text) from public;
