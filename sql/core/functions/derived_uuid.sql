-- derived_uuid(task, place, item) -> jsonb   (internal)
-- A UUID version 8 (RFC 9562) that is the same whenever it is made of the same: the instance and the name of the task,
-- the place in the definition, and which of many items. It is no secret.
create or replace function onceflow.derived_uuid(p_task text, p_place text, p_item text) returns jsonb
language plpgsql immutable as $$
declare
    v_hash constant text := encode(sha256(convert_to(jsonb_build_array(p_task, p_place, p_item)::text, 'UTF8')), 'hex');
begin
    return to_jsonb(overlay(overlay(left(v_hash, 32) placing '8' from 13 for 1)
        placing substr('89ab', get_byte(decode(substr(v_hash, 17, 2), 'hex'), 0) % 4 + 1, 1) from 17 for 1)::uuid);
end $$;
revoke execute on function onceflow.derived_uuid(text, text, text) from public;
