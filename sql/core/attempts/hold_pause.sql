-- hold_pause(instance, step, scope, visit) -> interval   (internal)
-- How long a task waits before another worker is tried for the handler that the last one lacked: longer each time
-- that it has been held, up to 30 s.
create or replace function onceflow.hold_pause(p_instance_id uuid, p_step text, p_scope bigint, p_visit int)
returns interval
language plpgsql stable as $$
begin
    return make_interval(secs => least(30, 0.25 * 2 ^ least(10, (
        select count(*) from onceflow.task_log l
        where l.instance_id = p_instance_id and l.step = p_step and l.scope = p_scope
            and l.visit = p_visit and l.state = 'READY'))));
end $$;
revoke execute on function onceflow.hold_pause(uuid, text, bigint, int) from public;
