-- use_session(hash) -> (person, role)
-- Who is logged in by what has this hash; no row where nobody is, or no more. That it was used is kept, once a minute.
create or replace function onceflow.use_session(p_hash bytea) returns table (person text, role text)
language plpgsql volatile security definer set search_path = pg_catalog, pg_temp as $$
#variable_conflict use_column
declare
    v_now constant timestamptz := onceflow.now();
    v_session onceflow.session;
    v_until timestamptz;
begin
    select * into v_session from onceflow.session s where s.hash = p_hash and s.live_until > v_now;
    select p.name, p.role into person, role
    from onceflow.person p where p.name = v_session.person and p.disabled_at is null;
    if not found then
        return;
    end if;
    v_until := least(v_now + interval '12 hours', v_session.ends_at);
    if v_session.live_until < v_until - interval '1 minute' then
        update onceflow.session s set live_until = v_until where s.hash = p_hash and s.live_until < v_until;
    end if;
    return next;
end $$;
revoke execute on function onceflow.use_session(bytea) from public;
