-- first_steps(sorted ids, scopes) -> placed_task[]   (internal)
-- The steps with which the lists of scopes begin, where the scope is still OPEN.
create or replace function onceflow.first_steps(p_ids uuid[], p_scopes onceflow.scope_key[])
returns onceflow.placed_task[]
language plpgsql stable as $$
begin
    return array(
        select onceflow.placed_task(k.instance_id, st.step, k.scope, 0,
            i.version_id, i.seq + 1, 'RUNNING', i.suspended_at)
        from unnest(p_scopes) k
        cross join lateral (
            select s.block, s.list from onceflow.scope s
            where s.instance_id = k.instance_id and s.scope = k.scope and s.state = 'OPEN'
                and s.instance_id between p_ids[1] and p_ids[cardinality(p_ids)] offset 0) s
        cross join lateral (
            select i.version_id, i.seq, case when i.suspended_by = 'operator' then i.suspended_at end as suspended_at
            from onceflow.instance i
            where i.id = k.instance_id and i.id between p_ids[1] and p_ids[cardinality(p_ids)] offset 0) i
        cross join lateral (
            select st.step from onceflow.step st
            where st.version_id = i.version_id and st.block = s.block and st.list = s.list
                and st.join_count = 0 offset 0) st);
end $$;
revoke execute on function onceflow.first_steps(uuid[], onceflow.scope_key[]) from public;
