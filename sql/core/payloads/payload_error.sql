-- payload_error(payload) -> error, or null   (internal)
-- The error of an input or output that may not be kept; payload_fault() says which these are, and is not
-- asked about short ones.
create or replace function onceflow.payload_error(p_payload jsonb) returns jsonb
language plpgsql immutable as $$
declare
    v_fault text;
begin
    if pg_column_size(p_payload) > 1000 or octet_length(p_payload::text) > 1000 then
        v_fault := onceflow.payload_fault(p_payload);
        if v_fault is not null then
            return jsonb_build_object('code', 'too_large', 'message', v_fault);
        end if;
    end if;
    return null;
end $$;
revoke execute on function onceflow.payload_error(jsonb) from public;
