-- retry_wait(step's policy, handler's policy, attempt, extra attempts, error) -> interval   (internal)
-- All that `retry` means: how long after a failure that may be tried again the next attempt comes due; null where
-- none does. The policy is the step's, or else, as a whole, the handler's, or else the defaults. Of the attempts
-- those count that were claimed since the last redrive, and not given back: the n-th has failed. None follows the
-- last of `attempts`, or an error whose code non_retryable names. The wait is, in seconds,
--   least(max, backoff * factor ^ (n - 1)), spread by +- jitter,
-- and ends not before the time that the failure itself asked for (its retry_after), at most a day.
create or replace function onceflow.retry_wait(
    p_step jsonb, p_handler jsonb, p_attempt int, p_extra_attempts int, p_error jsonb)
returns interval
language plpgsql volatile as $$
declare
    v_policy constant jsonb := coalesce(p_step, p_handler, '{}');
    v_n constant int := greatest(p_attempt - p_extra_attempts, 1);
    v_backoff float8 := onceflow.retry_number(v_policy, 'backoff', 1);
    v_factor float8 := greatest(onceflow.retry_number(v_policy, 'factor', 2), 1);
    v_max float8 := least(onceflow.retry_number(v_policy, 'max', 300), 31536000);
    v_jitter float8 := least(onceflow.retry_number(v_policy, 'jitter', 0.2), 1);
    v_after float8 := least(onceflow.retry_number(p_error, 'retry_after', 0), 86400);
    v_delay float8;
begin
    if v_n >= onceflow.retry_number(v_policy, 'attempts', 5)
        or onceflow.is_non_retryable(p_error ->> 'code', v_policy)
    then
        return null;
    end if;
    -- By logarithms: the power of a long series would overflow before least() could bound it.
    v_delay := case
        when v_backoff = 0 or v_max = 0 then 0
        when ln(v_backoff) + (v_n - 1) * ln(v_factor) >= ln(v_max) then v_max
        else v_backoff * power(v_factor, v_n - 1)
    end;
    return make_interval(secs => greatest(v_delay * (1 + v_jitter * (2 * random() - 1)), v_after));
end $$;
revoke execute on function onceflow.retry_wait(jsonb, jsonb, int, int, jsonb) from public;
