-- explain_limits(explanation, task) -> explanation   (internal)
-- The same of an open task, and when a limit of its step ends it: its time until a claim, and that for all its attempts.
create or replace function onceflow.explain_limits(p_why onceflow.explanation, p_task onceflow.task)
returns onceflow.explanation
language plpgsql stable as $$
declare
    v_start_by constant timestamptz := case when p_task.state in ('QUEUED', 'READY') then p_task.start_by end;
    v_at constant timestamptz := least(v_start_by, p_task.end_by);
begin
    if v_at is not null and p_task.seq is null and p_task.state <> 'DEAD_LETTER' then
        p_why.because := p_why.because || format(case
            when v_at <= onceflow.now() then '; it has been past its %s since %s, by which the clock ends it with its next turn'
            when v_start_by < p_task.end_by or p_task.end_by is null then '; unless a worker has taken it by then, it fails with %s at %s'
            else '; unless it has ended by then, it fails with %s at %s' end,
            case when v_start_by < p_task.end_by or p_task.end_by is null then 'start_timeout' else 'total_timeout' end,
            onceflow.time_text(v_at));
    end if;
    return p_why;
end $$;
revoke execute on function onceflow.explain_limits(onceflow.explanation, onceflow.task) from public;
