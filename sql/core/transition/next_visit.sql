-- next_visit(instance, step, scope) -> int   (internal)
-- Which visit of a step the next one is, in a scope whose list has a goto in it.
create or replace function onceflow.next_visit(p_instance_id uuid, p_step text, p_scope bigint) returns int
language plpgsql stable as $$
begin
    return coalesce((
        select t.visit + 1 from onceflow.task t
        where t.instance_id = p_instance_id and t.step = p_step and t.scope = p_scope
        order by t.visit desc limit 1), 0);
end $$;
revoke execute on function onceflow.next_visit(uuid, text, bigint) from public;
