-- own_states(tasks) -> text[]   (internal)
-- What decides on tasks of scopes, as own_state() says, each in the place of its task; of those of scope 0 null, since
-- that is the state of their instance. Read under its lock.
create or replace function onceflow.own_states(p_keys onceflow.task_key[]) returns text[]
language plpgsql stable as $$
begin
    return array(
        select case when k.scope > 0 then (
            select case s.state when 'OPEN' then 'RUNNING' else 'CLOSING' end from onceflow.scope s
            where s.instance_id = k.instance_id and s.scope = k.scope) end
        from unnest(p_keys) with ordinality k (instance_id, step, scope, visit, n)
        order by k.n);
end $$;
revoke execute on function onceflow.own_states(onceflow.task_key[]) from public;
