-- list_people() -> (name, role, has_password, subject, created_at, disabled_at, sessions)
-- Who may log in to the api, by name; sessions: in how many browsers each is logged in.
create or replace function onceflow.list_people()
returns table (name text, role text, has_password boolean, subject text, created_at timestamptz,
    disabled_at timestamptz, sessions bigint)
language plpgsql stable security definer set search_path = pg_catalog, pg_temp as $$
declare
    v_now constant timestamptz := onceflow.now();
begin
    return query
    select p.name, p.role, p.password is not null, p.subject, p.created_at, p.disabled_at, (
        select count(*) from onceflow.session s
        where s.person = p.name and s.live_until > v_now)
    from onceflow.person p
    order by p.name
    limit 10000;
end $$;
revoke execute on function onceflow.list_people() from public;
