-- check_account(name, role, password) -> void   (internal)
-- Checks what is given of an account; what is null is not asked. Errors: WF002.
create or replace function onceflow.check_account(p_name text, p_role text, p_password text default null) returns void
language plpgsql immutable as $$
begin
    if p_name !~ '^[A-Za-z0-9][A-Za-z0-9._@+-]{0,99}$' then
        raise exception 'no account can be called %', quote_literal(left(p_name, 100))
            using errcode = 'WF002', hint = 'A name is a letter or digit, then up to 99 letters, digits or . _ @ + -.';
    end if;
    if p_role <> all ('{viewer,starter,operator,deployer,admin}') then
        raise exception 'there is no role %', quote_literal(left(p_role, 100))
            using errcode = 'WF002', hint = 'Give viewer, starter, operator, deployer or admin.';
    end if;
    if p_password not like '$argon2id$%' or length(p_password) > 500 then
        raise exception 'a password is kept as argon2id has it'
            using errcode = 'WF002', hint = 'Set it by `onceflow person set-password`.';
    end if;
end $$;
revoke execute on function onceflow.check_account(text, text, text) from public;
