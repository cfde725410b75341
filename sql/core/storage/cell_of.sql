-- cell_of(id) -> int   (internal)
-- The cell that a UUID version 7 names, one database of 4,096 that may stand side by side; null for any other UUID.
create or replace function onceflow.cell_of(p_id uuid) returns int
language sql immutable parallel safe
return case when substr(p_id::text, 15, 1) = '7' and substr(p_id::text, 20, 1) in ('8', '9', 'a', 'b') then
    (('x' || substr(p_id::text, 20, 4))::bit(16)::int >> 2) & 4095 end;
revoke execute on function onceflow.cell_of(uuid) from public;
