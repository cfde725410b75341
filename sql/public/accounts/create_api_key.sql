-- create_api_key(name, hash, role, expires_at) -> void
-- Lets whoever bears a key call the api in a role: viewer, starter, operator, deployer or admin. The key itself stays with who
-- made it: p_hash is the SHA-256 of its text. Null for p_expires_at: until it is revoked.
-- Errors: WF002 a name, hash, role or time that is none · WF005 there is a key of this name.
create or replace function onceflow.create_api_key(
    p_name text, p_hash bytea, p_role text, p_expires_at timestamptz default null) returns void
language plpgsql volatile security definer set search_path = pg_catalog, pg_temp as $$
begin
    perform onceflow.check_account(p_name, p_role);
    if octet_length(p_hash) is distinct from 32 then
        raise exception 'the hash of a key has 32 bytes, not %', coalesce(octet_length(p_hash), 0)
            using errcode = 'WF002', hint = 'Give the SHA-256 of its text.';
    end if;
    if p_expires_at <= onceflow.now() then
        raise exception 'the key % would have expired at %', p_name, p_expires_at
            using errcode = 'WF002', hint = 'Give a time that is still to come.';
    end if;
    insert into onceflow.api_key (hash, name, role, created_at, expires_at)
    values (p_hash, p_name, p_role, onceflow.now(), p_expires_at)
    on conflict do nothing;
    if not found then
        raise exception 'there is a key % already', p_name
            using errcode = 'WF005', hint = 'Revoke it first, or give another name.';
    end if;
    perform onceflow.record_audit('create_api_key', 'key', array[p_name],
        p_after => array[jsonb_build_object('role', p_role, 'expires_at', p_expires_at)]);
end $$;
revoke execute on function onceflow.create_api_key(text, bytea, text, timestamptz) from public;
