-- returned_output(instance, version) -> jsonb   (internal)
-- What a `return` of the instance that has succeeded gives: what stands around it ends, and nothing follows. SQL null where none
-- has. Call it for versions that have one alone.
create or replace function onceflow.returned_output(p_instance_id uuid, p_version_id bigint) returns jsonb
language plpgsql stable as $$
begin
    return (
        select t.output from onceflow.step st
        cross join lateral (
            select t.output from onceflow.task t
            where t.instance_id = p_instance_id and t.step = st.step and t.state = 'SUCCEEDED' offset 0) t
        where st.version_id = p_version_id and st.kind = 'return' limit 1);
end $$;
revoke execute on function onceflow.returned_output(uuid, bigint) from public;
