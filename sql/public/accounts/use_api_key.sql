-- use_api_key(hash) -> (name, role, state)
-- Whose key a hash is, no row where it is nobody's. state: live | expired | revoked; that a live one was used is kept, once a
-- minute.
create or replace function onceflow.use_api_key(p_hash bytea) returns table (name text, role text, state text)
language plpgsql volatile security definer set search_path = pg_catalog, pg_temp as $$
#variable_conflict use_column
declare
    v_now constant timestamptz := onceflow.now();
    v_key onceflow.api_key;
    v_state text;
begin
    select * into v_key from onceflow.api_key k where k.hash = p_hash;
    if not found then
        return;
    end if;
    v_state := case
        when v_key.revoked_at is not null then 'revoked'
        when v_key.expires_at <= v_now then 'expired'
        else 'live' end;
    if v_state = 'live' and coalesce(v_key.last_used_at, '-infinity') < v_now - interval '1 minute' then
        update onceflow.api_key k set last_used_at = v_now
        where k.hash = p_hash and coalesce(k.last_used_at, '-infinity') < v_now - interval '1 minute';
    end if;
    return query select v_key.name, v_key.role, v_state;
end $$;
revoke execute on function onceflow.use_api_key(bytea) from public;
