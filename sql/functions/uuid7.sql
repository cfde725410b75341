-- uuid7(at) -> uuid   (internal)
-- A UUID version 7 (RFC 9562): 48 bits of milliseconds, then random bits.
create or replace function onceflow.uuid7(p_at timestamptz default clock_timestamp()) returns uuid
language sql volatile
return encode(set_bit(set_bit(
    overlay(
        uuid_send(gen_random_uuid())
        placing substring(int8send((extract(epoch from p_at) * 1000)::bigint) from 3)
        from 1 for 6),
    52, 1), 53, 1), 'hex')::uuid;
revoke execute on function onceflow.uuid7(timestamptz) from public;
