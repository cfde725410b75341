-- child_id(root) -> uuid   (internal)
-- The id of an instance that is started for another of the family of p_root: a UUID version 7 of the same millisecond
-- and cell, so that the family lies in one partition; the rest of it is random.
create or replace function onceflow.child_id(p_root uuid) returns uuid
language plpgsql volatile as $$
declare
    v_random constant text := gen_random_uuid();
begin
    return left(p_root::text, 15) || substr(v_random, 16, 3) || substr(p_root::text, 19, 6) || right(v_random, 12);
end $$;
revoke execute on function onceflow.child_id(uuid) from public;
