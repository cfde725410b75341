-- change_person(name, role, password, disabled) -> boolean
-- Changes what is not null of it: whether there is such a person. Who is disabled, or has another password, is logged out
-- wherever he is logged in; another role counts from his next request on.
-- Errors: WF002 a role or password that is none.
create or replace function onceflow.change_person(
    p_name text, p_role text default null, p_password text default null, p_disabled boolean default null)
returns boolean
language plpgsql volatile security definer set search_path = pg_catalog, pg_temp as $$
declare
    v_name text;
    v_before jsonb;
begin
    perform onceflow.check_account(null, p_role, p_password);
    select jsonb_build_object('role', p.role, 'disabled', p.disabled_at is not null) into v_before
    from onceflow.person p where lower(p.name) = lower(p_name) for no key update;
    update onceflow.person p
    set role = coalesce(p_role, p.role),
        password = coalesce(p_password, p.password),
        disabled_at = case
            when p_disabled is null then p.disabled_at
            when p_disabled then coalesce(p.disabled_at, onceflow.now()) end
    where lower(p.name) = lower(p_name)
    returning p.name into v_name;
    if p_password is not null or p_disabled then
        delete from onceflow.session s where s.person = v_name;
    end if;
    if v_name is null then
        return false;
    end if;
    perform onceflow.record_audit('change_person', 'person', array[v_name],
        p_before => array[v_before], p_after => array[jsonb_strip_nulls(jsonb_build_object(
            'role', p_role, 'disabled', p_disabled, 'password', case when p_password is not null then 'another' end))]);
    return true;
end $$;
revoke execute on function onceflow.change_person(text, text, text, boolean) from public;
