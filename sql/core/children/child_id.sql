-- child_id(root) -> uuid   (internal)
-- The id of an instance that is started for another of the family of p_root: a UUID version 7 of the same millisecond
-- and cell, so that the family lies in one partition; the rest of it is random.
create or replace function onceflow.child_id(p_root uuid) returns uuid
language sql volatile as $$
    select overlay(overlay(gen_random_uuid()::text placing left(p_root::text, 15) from 1)
        placing substr(p_root::text, 19, 6) from 19)::uuid
$$;
revoke execute on function onceflow.child_id(uuid) from public;
