-- is_non_retryable(error code, policy) -> boolean   (internal)
-- Whether a retry policy names the code in non_retryable: exactly, or by a prefix and `*`.
create or replace function onceflow.is_non_retryable(p_code text, p_policy jsonb) returns boolean
language sql immutable parallel safe
return coalesce((
    select bool_or(case when right(c, 1) = '*' then starts_with(p_code, left(c, -1)) else c = p_code end)
    from jsonb_array_elements_text(case when jsonb_typeof(p_policy -> 'non_retryable') = 'array'
        then p_policy -> 'non_retryable' end) c), false);
revoke execute on function onceflow.is_non_retryable(text, jsonb) from public;
