-- retry_delay(policy, attempt, error) -> interval   (internal)
-- How long after the failure of its attempt (1, 2, …) a task is tried again: exponential backoff,
--   least(max, backoff * factor ^ (attempt - 1)), spread by +- jitter; all in seconds,
-- and not before the time that the failure itself asked for (its retry_after), at most a day.
create or replace function onceflow.retry_delay(p_policy jsonb, p_attempt int, p_error jsonb)
returns interval
language plpgsql volatile as $$
declare
    v_backoff float8 := onceflow.retry_number(p_policy, 'backoff', 1);
    v_factor float8 := greatest(onceflow.retry_number(p_policy, 'factor', 2), 1);
    v_max float8 := least(onceflow.retry_number(p_policy, 'max', 300), 31536000);
    v_jitter float8 := least(onceflow.retry_number(p_policy, 'jitter', 0.2), 1);
    v_after float8 := least(onceflow.retry_number(p_error, 'retry_after', 0), 86400);
    v_delay float8;
begin
    -- By logarithms: the power of a long series would overflow before least() could bound it.
    v_delay := case
        when v_backoff = 0 or v_max = 0 then 0
        when ln(v_backoff) + greatest(p_attempt - 1, 0) * ln(v_factor) >= ln(v_max) then v_max
        else v_backoff * power(v_factor, greatest(p_attempt - 1, 0))
    end;
    return make_interval(secs => greatest(v_delay * (1 + v_jitter * (2 * random() - 1)), v_after));
end $$;
revoke execute on function onceflow.retry_delay(jsonb, int, jsonb) from public;
