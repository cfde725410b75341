-- bounded_error(error) -> jsonb   (internal)
-- An error as it is kept: an object; where it is too large, or no worker and no page could be given it, its
-- code and the begin of its message, for an attempt is answered whatever it failed with.
create or replace function onceflow.bounded_error(p_error jsonb) returns jsonb
language plpgsql immutable as $$
declare
    v_error jsonb := case when jsonb_typeof(p_error) = 'object' then p_error
        else jsonb_build_object('message', p_error) end;
    v_fault text := onceflow.payload_fault(v_error, 262144);
begin
    if v_fault is null then
        return v_error;
    end if;
    return jsonb_strip_nulls(jsonb_build_object(
        'code', case jsonb_typeof(v_error -> 'code') when 'string' then left(v_error ->> 'code', 200) end,
        'message', case jsonb_typeof(v_error -> 'message') when 'string' then left(v_error ->> 'message', 4000) end,
        'unknown', case v_error -> 'unknown' when 'true' then true end,
        'left_out', 'the rest of the error could not be kept: ' || v_fault));
end $$;
revoke execute on function onceflow.bounded_error(jsonb) from public;
