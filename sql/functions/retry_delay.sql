-- retry_delay(policy, attempt, retry after) -> interval   (internal)
-- How long after the failure of its attempt (1, 2, …) a task is tried again: exponential backoff,
--   least(max, backoff * factor ^ (attempt - 1)), spread by +- jitter; all in seconds,
-- and never before the time that the failure itself asked for (Retry-After), at most a day.
create or replace function onceflow.retry_delay(p_policy jsonb, p_attempt int, p_retry_after float8)
returns interval
language plpgsql volatile set search_path = '' as $$
declare
    v_backoff float8 := coalesce((p_policy ->> 'backoff')::float8, 1);
    v_factor float8 := coalesce((p_policy ->> 'factor')::float8, 2);
    v_max float8 := coalesce((p_policy ->> 'max')::float8, 300);
    v_jitter float8 := coalesce((p_policy ->> 'jitter')::float8, 0.2);
    v_delay float8;
begin
    -- By logarithms: a power of a long series would overflow before least() could bound it.
    v_delay := case
        when v_backoff <= 0 then 0
        when ln(v_backoff) + greatest(p_attempt - 1, 0) * ln(greatest(v_factor, 1)) >= ln(greatest(v_max, 1e-9))
            then v_max
        else v_backoff * power(greatest(v_factor, 1), greatest(p_attempt - 1, 0))
    end;
    v_delay := v_delay * (1 + v_jitter * (2 * random() - 1));
    return make_interval(secs => greatest(v_delay, least(coalesce(p_retry_after, 0), 86400), 0));
end $$;
revoke execute on function onceflow.retry_delay(jsonb, int, float8) from public;
