-- first_counts(sorted ids, scopes) -> scope_count[]   (internal)
-- What scopes that have opened counted as open before the steps were made with which their lists begin.
create or replace function onceflow.first_counts(p_ids uuid[], p_scopes onceflow.scope_key[])
returns onceflow.scope_count[]
language plpgsql stable as $$
begin
    return array(
        select row(k.instance_id, k.scope, - onceflow.first_count(i.version_id, s.block, s.list))::onceflow.scope_count
        from unnest(p_scopes) k
        cross join lateral (
            select s.block, s.list from onceflow.scope s
            where s.instance_id = k.instance_id and s.scope = k.scope
                and s.instance_id between p_ids[1] and p_ids[cardinality(p_ids)] offset 0) s
        cross join lateral (
            select i.version_id from onceflow.instance i where i.id = k.instance_id offset 0) i);
end $$;
revoke execute on function onceflow.first_counts(uuid[], onceflow.scope_key[]) from public;
