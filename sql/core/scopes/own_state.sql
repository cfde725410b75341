-- own_state(instance, scope, the instance's state) -> text   (internal)
-- What decides on the tasks of a scope: RUNNING where it is OPEN, else CLOSING; of scope 0 the instance's own state.
-- Read under the instance's lock. Call it for other scopes alone, so that instances without blocks do not pay for it.
create or replace function onceflow.own_state(p_instance_id uuid, p_scope bigint, p_state text) returns text
language plpgsql stable as $$
begin
    if p_scope = 0 then
        return p_state;
    end if;
    return (
        select case s.state when 'OPEN' then 'RUNNING' else 'CLOSING' end from onceflow.scope s
        where s.instance_id = p_instance_id and s.scope = p_scope);
end $$;
revoke execute on function onceflow.own_state(uuid, bigint, text) from public;
