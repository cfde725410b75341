-- has_returned(instance, version) -> boolean   (internal)
-- Whether a `return` of the instance has succeeded: what stands around it ends, and nothing follows.
create or replace function onceflow.has_returned(p_instance_id uuid, p_version_id bigint) returns boolean
language plpgsql stable as $$
begin
    return exists (
        select from onceflow.step st
        cross join lateral (
            select t.state from onceflow.task t
            where t.instance_id = p_instance_id and t.step = st.step and t.state = 'SUCCEEDED' offset 0) t
        where st.version_id = p_version_id and st.kind = 'return');
end $$;
revoke execute on function onceflow.has_returned(uuid, bigint) from public;
