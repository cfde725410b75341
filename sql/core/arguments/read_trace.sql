-- read_trace(given) -> jsonb   (internal)
-- The W3C trace context {traceparent, tracestate} out of what was given, headers among others, as it is kept. Null where there
-- is none, or none that is well-formed: strangers send it, and nothing else depends on it. A state is kept up to 512 characters.
create or replace function onceflow.read_trace(p_given jsonb) returns jsonb
language sql immutable as $$
    select case when left(p_given ->> 'traceparent', 56)
            ~ '^(?!ff)[0-9a-f]{2}-(?!0{32})[0-9a-f]{32}-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2}$'
        then jsonb_strip_nulls(jsonb_build_object('traceparent', p_given ->> 'traceparent', 'tracestate',
            case when length(p_given ->> 'tracestate') <= 512 and p_given ->> 'tracestate' collate "C" ~ '^[ -~]+$'
                then p_given ->> 'tracestate' end)) end
$$;
revoke execute on function onceflow.read_trace(jsonb) from public;
