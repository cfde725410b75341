-- first_steps(sorted ids, scopes) -> (due, counts)   (internal)
-- The steps with which the lists of scopes begin that have opened: o_due where the scope is still OPEN; o_counts takes
-- them off what the rows count, which took them for open when the scopes opened.
create or replace function onceflow.first_steps(
    p_ids uuid[], p_scopes onceflow.scope_key[],
    out o_due onceflow.placed_task[], out o_counts onceflow.scope_count[])
language plpgsql stable as $$
begin
    select coalesce(array_agg(f.placed) filter (where f.state = 'OPEN'), '{}'),
        coalesce(array_agg(row(f.instance_id, f.scope, -1)::onceflow.scope_count), '{}')
    into o_due, o_counts
    from (
        select k.instance_id, k.scope, s.state, onceflow.placed_task(k.instance_id, st.step, k.scope, 0,
            i.version_id, i.seq + 1, 'RUNNING', i.suspended_at) as placed
        from unnest(p_scopes) k
        cross join lateral (
            select s.block, s.list, s.state from onceflow.scope s
            where s.instance_id = k.instance_id and s.scope = k.scope
                and s.instance_id between p_ids[1] and p_ids[cardinality(p_ids)] offset 0) s
        cross join lateral (
            select i.version_id, i.seq, case when i.suspended_by = 'operator' then i.suspended_at end as suspended_at
            from onceflow.instance i
            where i.id = k.instance_id and i.id between p_ids[1] and p_ids[cardinality(p_ids)] offset 0) i
        cross join lateral (
            select st.step from onceflow.step st
            where st.version_id = i.version_id and st.block = s.block and st.list = s.list
                and st.join_count = 0 offset 0) st) f;
end $$;
revoke execute on function onceflow.first_steps(uuid[], onceflow.scope_key[]) from public;
