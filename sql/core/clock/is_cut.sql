-- is_cut(waves, changes) -> boolean   (internal)
-- Whether one transition has made so many waves, or changes, that what is left goes on in another (cut_waves). Inlined.
create or replace function onceflow.is_cut(p_waves int, p_changes int) returns boolean
language sql immutable parallel safe
return p_waves > 1000 or p_changes > 10000;
revoke execute on function onceflow.is_cut(int, int) from public;
