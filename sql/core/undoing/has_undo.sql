-- has_undo(instance, version, scope) -> boolean   (internal)
-- Whether in a scope, or beneath, something is done that has a compensation and has not been undone: a step that
-- succeeded, a child among them, or one with an attempt whose outcome is unknown.
create or replace function onceflow.has_undo(p_instance_id uuid, p_version_id bigint, p_scope bigint) returns boolean
language plpgsql stable as $$
begin
    return exists (
        select
        from onceflow.scope s
        cross join lateral (
            select st.step, st.kind from onceflow.step st
            where st.version_id = p_version_id and st.block = s.block and st.list = s.list offset 0) st
        cross join lateral (
            select e.to_step from onceflow.edge e
            where e.version_id = p_version_id and e.from_step = st.step and e.kind = 'undo' offset 0) e
        cross join lateral (
            select t.state, t.unknown, t.visit from onceflow.task t
            where t.instance_id = p_instance_id and t.step = st.step and t.scope = p_scope
                and not exists (
                    select from onceflow.task u
                    where u.instance_id = p_instance_id and u.step = e.to_step and u.scope = p_scope
                        and u.visit = t.visit)
            offset 0) t
        where s.instance_id = p_instance_id and s.scope = p_scope
            and case st.kind when 'task' then t.state = 'SUCCEEDED' or t.unknown
                when 'workflow' then t.state = 'SUCCEEDED'
                else onceflow.has_block_undo(p_instance_id, p_version_id, st.step, p_scope, t.visit) end);
end $$;
revoke execute on function onceflow.has_undo(uuid, bigint, bigint) from public;
