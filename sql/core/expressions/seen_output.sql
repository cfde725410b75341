-- seen_output(instance, version, step, scope, visit, state, output) -> jsonb   (internal)
-- The output of a task, or of the block that it is: that of a block which has succeeded is put together of those of
-- its scopes where it is read, so that only who reads it pays for its size.
create or replace function onceflow.seen_output(
    p_instance_id uuid, p_version_id bigint, p_step text, p_scope bigint, p_visit int, p_state text, p_output jsonb)
returns jsonb
language plpgsql stable as $$
declare
    v_kind text;
    v_lists jsonb;
    v_is_block boolean;
    v_is_chain boolean;
begin
    if p_output is not null or p_state <> 'SUCCEEDED' then
        return p_output;
    end if;
    select st.kind, st.is_block, st.is_chain, st.spec -> 'lists' into v_kind, v_is_block, v_is_chain, v_lists from onceflow.step st
    where st.version_id = p_version_id and st.step = p_step;
    if not v_is_block then
        return p_output;
    end if;
    if v_is_chain then
        return coalesce((
            select case s.state when 'SUCCEEDED' then onceflow.scope_output(p_instance_id, p_version_id, s.scope) end
            from onceflow.scope s
            where s.instance_id = p_instance_id and s.block = p_step and s.parent = p_scope and s.visit = p_visit
            order by s.ordinal desc limit 1), 'null');
    end if;
    return (
        with done as (
            select s.ordinal, v_lists -> s.list ->> 'name' as name,
                case s.state when 'SUCCEEDED' then onceflow.scope_output(p_instance_id, p_version_id, s.scope) end as output,
                s.state = 'SUCCEEDED' as succeeded
            from onceflow.scope s
            where s.instance_id = p_instance_id and s.parent = p_scope and s.block = p_step and s.visit = p_visit
        )
        select case v_kind
            when 'for_each' then coalesce(jsonb_agg(d.output order by d.ordinal), '[]')
            when 'parallel' then coalesce(jsonb_object_agg(coalesce(d.name, ''), d.output) filter (where d.succeeded), '{}')
            when 'race' then jsonb_agg(jsonb_build_object('winner', d.name, 'output', d.output))
                filter (where d.succeeded) -> 0
            else coalesce(jsonb_agg(d.output) filter (where d.succeeded) -> 0, 'null') end
        from done d);
end $$;
revoke execute on function onceflow.seen_output(uuid, bigint, text, bigint, int, text, jsonb) from public;
