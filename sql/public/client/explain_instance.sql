-- explain_instance(id) -> (task, because)
-- Says in words why an instance is not moving, the most telling first: what it waits for, whose turn it
-- is, and what to type. task is null for what concerns the whole instance.
-- Errors: WF001 where there is no such instance.
create or replace function onceflow.explain_instance(p_id uuid)
returns table (task text, because text)
language plpgsql stable security definer set search_path = pg_catalog, pg_temp as $$
#variable_conflict use_column
declare
    v_instance onceflow.instance;
begin
    select * into v_instance from onceflow.instance i where i.id = p_id;
    if v_instance.id is null then
        raise exception 'there is no instance %', p_id
            using errcode = 'WF001', hint = 'See onceflow.instances; it may have been dropped by retention.';
    end if;
    return query select null::text, onceflow.explain_state(v_instance);
    return query
    select onceflow.task_name(t.step, t.scope, t.visit), onceflow.explain_task(t, s)
    from onceflow.task t
    join onceflow.step s on s.version_id = v_instance.version_id and s.step = t.step
    where t.instance_id = p_id and t.seq is null
    order by array_position(array['DEAD_LETTER', 'RETRYING', 'QUEUED', 'RUNNING', 'READY', 'WAITING'], t.state),
        t.changed_at, t.step
    limit 200;
end $$;
revoke execute on function onceflow.explain_instance(uuid) from public;
