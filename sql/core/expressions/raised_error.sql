-- raised_error(value) -> jsonb   (internal)
-- The error that a step of the kind `fail` ends with, of what its expressions gave: code and message are texts.
create or replace function onceflow.raised_error(p_value jsonb) returns jsonb
language plpgsql immutable as $$
begin
    return onceflow.bounded_error(jsonb_strip_nulls(jsonb_build_object(
        'code', left(coalesce(p_value ->> 'code', 'fail'), 200),
        'message', coalesce(p_value ->> 'message', 'the workflow says so'))) ||
        case when jsonb_typeof(p_value -> 'detail') <> 'null'
            then jsonb_build_object('detail', p_value -> 'detail') else '{}' end);
end $$;
revoke execute on function onceflow.raised_error(jsonb) from public;
