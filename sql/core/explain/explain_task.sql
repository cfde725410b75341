-- explain_task(task, step) -> explanation   (internal)
-- Why one open task is not further. A time that has passed is told as such, never promised.
create or replace function onceflow.explain_task(p_task onceflow.task, p_step onceflow.step)
returns onceflow.explanation
language plpgsql stable as $$
declare
    v_past boolean := p_task.due_at <= onceflow.now();
    v_due constant text := onceflow.time_text(p_task.due_at);
    v_worker onceflow.worker;
    v_paused onceflow.explanation;
    v_block onceflow.explanation;
    v_takes constant text := onceflow.redrive_takes(p_step.kind, p_task.error);
    -- One that was to fail has no expression that could have given something else.
    v_raised constant boolean := p_step.kind = 'fail' and not coalesce(p_task.error ? 'place', false);
    v_error text := coalesce(format('%s: %s', p_task.error ->> 'code', p_task.error ->> 'message'), 'no error');
begin
    case p_task.state
    when 'WAITING' then
        if p_step.is_wait and p_task.input is not null then
            return onceflow.explain_wait(p_task, p_step);
        elsif p_step.kind = 'undo' then
            return onceflow.explain_undo(p_task, p_step);
        elsif p_step.is_block then
            v_block := onceflow.explain_block(p_task, p_step);
            if v_block.because is not null then
                return v_block;
            end if;
        end if;
        return row(case when p_task.fence is not null
            then format('attempt %s has left its answer to somebody outside, who has its token; ' || case when v_past
                then 'none came until %s, and the clock has to end it' else 'without one it has failed at %s' end,
                p_task.attempt, v_due)
            when p_task.due_at is not null then format(case when v_past
                then 'it was to begin at %s, and the clock has to see to it'
                else 'waits until %s, when its instance starts' end, v_due)
            when p_task.undoes_seq is not null
            then 'waits for its turn: compensations run one by one, the last step first'
            else format('waits for %s of the %s steps that it joins',
                p_step.join_count - p_task.passed, p_step.join_count) end, null, null)::onceflow.explanation;
    when 'READY' then
        if p_task.held_by = 'pause' then
            v_paused := onceflow.explain_paused(p_task.queue);
            return case when v_paused.because is not null then v_paused
                else row('its queue has been resumed, and the clock has to queue it', null, null)::onceflow.explanation end;
        elsif p_task.held_by = 'secret' then
            return row(format('held back since %s, uncounted: %s; it is looked for again %s', onceflow.time_text(p_task.changed_at),
                p_task.error ->> 'message', case when v_past then 'with the next turn of the clock'
                    else 'at ' || v_due end), null, null)::onceflow.explanation;
        elsif p_task.held_by = 'operator' then
            return row('held back by the suspension of its instance', null, null)::onceflow.explanation;
        elsif exists (select from onceflow.worker w where w.state = 'live' and w.lease_until > clock_timestamp()
            and p_task.queue = any (w.queues) and p_step.handler = any (w.tasks))
        then
            return row(format(case when v_past then 'was to wait until %s, which the clock has to end,'
                    else 'waits until %s' end
                || ' for a worker that has the task %s as it is called here; the last one was of another release',
                v_due, p_step.handler), null, null)::onceflow.explanation;
        end if;
        return onceflow.explain_missing(p_task.queue, p_step.handler);
    when 'RETRYING' then
        return row(format(case when v_past then 'its next attempt is due since %s, and the clock has to queue it'
                else 'waits until %s for its next attempt' end || '; attempt %s failed with %s',
            v_due, p_task.attempt, v_error), null, null)::onceflow.explanation;
    when 'DEAD_LETTER' then
        return row(format('dead letter after %s attempt%s: %s; %s', p_task.attempt,
                case p_task.attempt when 1 then '' else 's' end, v_error,
                case when v_takes is null or v_raised then 'skip it with the output that it should give, or discard it'
                    when v_takes = 'boolean' then 'redrive it with what its condition should have given, true or false'
                    when v_takes = 'error' then 'redrive it with the error that it is to fail with'
                    when v_takes <> 'input' then format('redrive it with the %s that its expression should have given', v_takes)
                    when p_task.input is null then 'mend the cause, then redrive it with an input, which it never got'
                    when p_task.error ->> 'code' = 'input.invalid' then 'redrive it with an input that fits'
                    else 'mend the cause, then redrive it' end),
            case when v_takes is null or v_raised then 'skip' when v_takes <> 'input' then 'value'
                when p_task.input is null or p_task.error ->> 'code' = 'input.invalid' then 'correct' else 'redrive' end,
            jsonb_build_object('instance', p_task.instance_id,
                'task', onceflow.task_name(p_task.step, p_task.scope, p_task.visit)))::onceflow.explanation;
    when 'RUNNING' then
        select * into v_worker from onceflow.worker w where w.id = p_task.worker_id;
        return row(format('attempt %s runs for %s on worker %s%s%s', p_task.attempt,
            round(extract(epoch from onceflow.now() - p_task.changed_at)) || ' s',
            coalesce(v_worker.name, p_task.worker_id::text),
            case when v_worker.state is distinct from 'live' then ', which is ' || coalesce(v_worker.state, 'gone')
                || ': the clock gives it out again with its next turn'
                when v_worker.lease_until < clock_timestamp() then ', whose lease ran out at ' || onceflow.time_text(v_worker.lease_until)
                else '' end,
            coalesce(case when v_past then ', past its timeout since ' || v_due
                || ', by which the clock ends it with its next turn'
                else ', times out at ' || v_due end, '')), null, null)::onceflow.explanation;
    else
        return onceflow.explain_queued(p_task, p_step);
    end case;
end $$;
revoke execute on function onceflow.explain_task(onceflow.task, onceflow.step) from public;
