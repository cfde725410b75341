-- limit_error(task) -> jsonb   (internal)
-- What a task that is past a limit of its step fails with, by the one that came first; it tells the failure before, if any.
create or replace function onceflow.limit_error(p_task onceflow.task) returns jsonb
language plpgsql stable as $$
declare
    -- A claim has met the time for the start.
    v_start_by constant timestamptz := case when p_task.state in ('QUEUED', 'READY') then p_task.start_by end;
    v_before constant text := case when p_task.error is null then '' else '; before, it had failed with '
        || left(concat_ws(': ', p_task.error ->> 'code', p_task.error ->> 'message'), 500) end;
begin
    if v_start_by < p_task.end_by or p_task.end_by is null then
        return jsonb_build_object('code', 'start_timeout', 'message', format('no worker of queue %s had taken it by %s%s',
            quote_ident(p_task.queue), onceflow.time_text(v_start_by), v_before));
    end if;
    return jsonb_build_object('code', 'total_timeout', 'message', format('it had not ended by %s, with %s attempt%s%s',
        onceflow.time_text(p_task.end_by), p_task.attempt, case p_task.attempt when 1 then '' else 's' end, v_before));
end $$;
revoke execute on function onceflow.limit_error(onceflow.task) from public;
