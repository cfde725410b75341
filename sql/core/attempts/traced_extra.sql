-- traced_extra(extra, trace) -> jsonb   (internal)
-- What a grant tells besides of a task whose instance has a trace context: that context too.
create or replace function onceflow.traced_extra(p_extra jsonb, p_trace jsonb) returns jsonb
language sql immutable as $$
    select coalesce(p_extra, '{}') || jsonb_build_object('trace', p_trace)
$$;
revoke execute on function onceflow.traced_extra(jsonb, jsonb) from public;
