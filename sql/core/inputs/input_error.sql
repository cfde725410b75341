-- input_error(checks, input) -> error, or null   (internal)
-- Why no instance may be started with an input: {code, message, faults}, each fault with its place, a JSON
-- pointer. p_checks is what register_workflow() kept of the input's schema; null takes any object.
create or replace function onceflow.input_error(p_checks jsonb, p_input jsonb) returns jsonb
language plpgsql immutable as $$
declare
    v_fault text;
    v_faults jsonb;
begin
    if jsonb_typeof(p_input) is distinct from 'object' then
        return jsonb_build_object('code', 'invalid_input',
            'message', 'the input is no JSON object; {} where there is nothing to say');
    end if;
    if pg_column_size(p_input) > 1000 or octet_length(p_input::text) > 1000 then
        v_fault := onceflow.payload_fault(p_input);
        if v_fault is not null then
            return jsonb_build_object('code', 'too_large', 'message', 'the input cannot be kept: ' || v_fault);
        end if;
    end if;
    if p_checks is not null then
        v_faults := onceflow.check_input(p_checks, p_input);
        if v_faults is not null then
            return jsonb_build_object('code', 'invalid_input', 'faults', v_faults, 'message', format(
                'the input does not fit the schema of the workflow: %s %s', v_faults #>> '{0,place}',
                v_faults #>> '{0,message}'));
        end if;
    end if;
    return null;
end $$;
revoke execute on function onceflow.input_error(jsonb, jsonb) from public;
