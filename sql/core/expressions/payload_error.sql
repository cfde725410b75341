-- payload_error(payload) -> error, or null   (internal)
-- The error of an evaluated input or output that is larger than a payload may be, 1 MiB.
create or replace function onceflow.payload_error(p_payload jsonb) returns jsonb
language sql immutable parallel safe
return case when pg_column_size(p_payload) > 1048576 then
    jsonb_build_object('code', 'too_large', 'message',
        'it evaluates to ' || pg_column_size(p_payload) || ' bytes, and 1048576 are allowed') end;
revoke execute on function onceflow.payload_error(jsonb) from public;
