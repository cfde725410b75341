-- count_text(number) -> text   (internal)
-- A count as a person reads it: 10,000.
create or replace function onceflow.count_text(p_number bigint) returns text
language sql immutable
return case when abs(p_number) < 1000 then p_number::text else to_char(p_number, 'FM999,999,999,999') end;
revoke execute on function onceflow.count_text(bigint) from public;
