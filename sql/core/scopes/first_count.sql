-- first_count(version, block, list) -> int   (internal)
-- With how many steps a list of a block begins.
create or replace function onceflow.first_count(p_version_id bigint, p_block text, p_list int) returns int
language plpgsql stable as $$
begin
    return (
        select count(*) from onceflow.step st
        where st.version_id = p_version_id and st.block = p_block and st.list = p_list and st.join_count = 0);
end $$;
revoke execute on function onceflow.first_count(bigint, text, int) from public;
