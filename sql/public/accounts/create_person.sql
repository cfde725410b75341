-- create_person(name, role, password, subject) -> void
-- Lets a person log in to the api in a role: viewer, starter, operator, deployer or admin. p_password is what argon2id made of
-- the password; null where p_subject says who it is to the provider of identities.
-- Errors: WF002 a name, role or password that is none · WF005 there is somebody of this name, or subject.
create or replace function onceflow.create_person(
    p_name text, p_role text, p_password text, p_subject text default null) returns void
language plpgsql volatile security definer set search_path = pg_catalog, pg_temp as $$
begin
    perform onceflow.check_account(p_name, p_role, p_password);
    insert into onceflow.person (name, role, password, subject, created_at)
    values (p_name, p_role, p_password, p_subject, onceflow.now())
    on conflict do nothing;
    if not found then
        raise exception 'there is a person % already', p_name
            using errcode = 'WF005', hint = 'Choose another name, or change that one.';
    end if;
    perform onceflow.record_audit('create_person', 'person', array[p_name],
        p_after => array[jsonb_build_object('role', p_role)]);
end $$;
revoke execute on function onceflow.create_person(text, text, text, text) from public;
