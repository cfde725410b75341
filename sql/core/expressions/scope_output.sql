-- scope_output(instance, version, scope) -> jsonb   (internal)
-- What the list of a scope gives: the output of its last step.
create or replace function onceflow.scope_output(p_instance_id uuid, p_version_id bigint, p_scope bigint) returns jsonb
language plpgsql stable as $$
begin
    return (
        select onceflow.seen_output(t.instance_id, p_version_id, t.step, t.scope, t.visit, t.state, t.output)
        from onceflow.scope s
        join onceflow.step b on b.version_id = p_version_id and b.step = s.block
        join onceflow.task t on t.instance_id = s.instance_id and t.step = b.spec -> 'lists' -> s.list ->> 'last'
            and t.scope = s.scope
        where s.instance_id = p_instance_id and s.scope = p_scope
        order by t.visit desc limit 1);
end $$;
revoke execute on function onceflow.scope_output(uuid, bigint, bigint) from public;
