-- count_scopes(sorted ids, pending counts) -> void   (internal)
-- The end of a transition's waves: the rows of scopes take over what has opened and ended in them, where the two differ.
create or replace function onceflow.count_scopes(p_ids uuid[], p_pending onceflow.scope_count[]) returns void
language plpgsql volatile as $$
begin
    update onceflow.scope s
    set open = s.open + p.opened
    from (
        select c.instance_id, c.scope, sum(c.opened) as opened
        from unnest(p_pending) c group by 1, 2 having sum(c.opened) <> 0) p
    where s.instance_id = p.instance_id and s.scope = p.scope and s.instance_id >= p_ids[1];
end $$;
revoke execute on function onceflow.count_scopes(uuid[], onceflow.scope_count[]) from public;
