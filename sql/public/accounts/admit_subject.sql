-- admit_subject(subject, name, role) -> text
-- The name of the person whom the provider of identities calls p_subject; null where he is disabled. Whoever is not known yet is
-- made, as p_name or as that with a number behind it; p_role is what the provider says of him, each time anew.
-- Errors: WF002 a name or role that is none.
create or replace function onceflow.admit_subject(p_subject text, p_name text, p_role text) returns text
language plpgsql volatile security definer set search_path = pg_catalog, pg_temp as $$
declare
    v_person onceflow.person;
    v_name text := p_name;
begin
    perform onceflow.check_account(p_name, p_role);
    for v_more in 2 .. 100 loop
        update onceflow.person p set role = p_role
        where p.subject = p_subject and p.role is distinct from p_role and p.disabled_at is null;
        if found then
            perform onceflow.record_audit('admit_subject', 'person', array[p_subject],
                p_after => array[jsonb_build_object('role', p_role)]);
        end if;
        select * into v_person from onceflow.person p where p.subject = p_subject;
        if found then
            return case when v_person.disabled_at is null then v_person.name end;
        end if;
        insert into onceflow.person (name, role, subject, created_at)
        values (v_name, p_role, p_subject, onceflow.now())
        on conflict do nothing;
        if found then
            perform onceflow.record_audit('admit_subject', 'person', array[v_name],
                p_after => array[jsonb_build_object('role', p_role, 'subject', p_subject)]);
            return v_name;
        end if;
        -- Somebody else has the name, or the same one has come twice at once.
        v_name := left(p_name, 95) || '.' || v_more;
    end loop;
    raise exception 'a hundred people are called %', p_name
        using errcode = 'WF002', hint = 'Have the provider tell another name.';
end $$;
revoke execute on function onceflow.admit_subject(text, text, text) from public;
