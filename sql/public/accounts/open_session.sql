-- open_session(hash, person, password, subject) -> boolean
-- Logs a person in: whoever then bears what has this SHA-256 is taken for him, until 12 hours after the last use, 7 days at most.
-- p_password is what find_login() told, or p_subject what admit_subject() was asked for: false, and nothing is opened, where it
-- is that no more, or the person is disabled. Takes away up to 100 sessions that have ended.
create or replace function onceflow.open_session(
    p_hash bytea, p_person text, p_password text default null, p_subject text default null) returns boolean
language plpgsql volatile security definer set search_path = pg_catalog, pg_temp as $$
declare
    v_now constant timestamptz := onceflow.now();
    v_person text;
begin
    -- A change of the password, which ends all sessions, has been made before this or waits for it.
    select p.name into v_person from onceflow.person p
    where p.name = p_person and p.disabled_at is null and (p.password = p_password or p.subject = p_subject)
    for share;
    if v_person is null then
        return false;
    end if;
    insert into onceflow.session (hash, person, opened_at, live_until, ends_at)
    values (p_hash, v_person, v_now, v_now + interval '12 hours', v_now + interval '7 days');
    delete from onceflow.session s
    using (
        select o.hash from onceflow.session o where o.live_until <= v_now
        order by o.live_until limit 100 for update skip locked) ended
    where s.hash = ended.hash;
    return true;
end $$;
revoke execute on function onceflow.open_session(bytea, text, text, text) from public;
