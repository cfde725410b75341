-- uuid7(cell, at) -> uuid   (internal)
-- A UUID version 7 (RFC 9562, section 6.2, method 3): 48 bits of milliseconds, 12 bits of their fraction; then,
-- behind the variant, 12 bits that name the cell whose id it is, two that are zero, and 48 random ones. So ids of
-- one session grow, however fast they are made. cell_of() reads the cell.
create or replace function onceflow.uuid7(p_cell int, p_at timestamptz default clock_timestamp()) returns uuid
language sql volatile
return (
    overlay(lpad(to_hex((extract(epoch from p_at) * 4096000)::bigint), 15, '0') placing '7' from 13 for 0)
    || to_hex(32768 | (p_cell << 2)) || substring(gen_random_uuid()::text from 24))::uuid;
revoke execute on function onceflow.uuid7(int, timestamptz) from public;
