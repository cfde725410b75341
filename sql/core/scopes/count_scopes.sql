-- count_scopes(sorted ids, pending counts) -> void   (internal)
-- The end of a transition's waves: the rows of scopes take over what has opened and ended in them, where the two differ.
create or replace function onceflow.count_scopes(p_ids uuid[], p_pending onceflow.scope_count[]) returns void
language plpgsql volatile as $$
declare
    v_counts constant onceflow.scope_count[] := array(
        select row(c.instance_id, c.scope, sum(c.opened))::onceflow.scope_count
        from unnest(p_pending) c group by c.instance_id, c.scope having sum(c.opened) <> 0);
begin
    -- Mostly there is one step after another; and an update costs though it finds nothing.
    if cardinality(v_counts) > 0 then
        update onceflow.scope s
        set open = s.open + p.opened
        from unnest(v_counts) p
        where s.instance_id = p.instance_id and s.scope = p.scope and s.instance_id >= p_ids[1];
    end if;
end $$;
revoke execute on function onceflow.count_scopes(uuid[], onceflow.scope_count[]) from public;
