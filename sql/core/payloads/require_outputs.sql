-- require_outputs(outputs) -> void   (internal)
-- Errors: WF002 where an output may not be kept (payload_fault() says why).
create or replace function onceflow.require_outputs(p_outputs jsonb[]) returns void
language plpgsql immutable as $$
declare
    v_output jsonb;
    v_fault text;
begin
    -- One look for all, since nothing is wrong with most.
    if not exists (
        select from unnest(p_outputs) o where pg_column_size(o) > 1000 or octet_length(o::text) > 1000)
    then
        return;
    end if;
    foreach v_output in array p_outputs loop
        if pg_column_size(v_output) > 1000 or octet_length(v_output::text) > 1000 then
            v_fault := onceflow.payload_fault(v_output);
            if v_fault is not null then
                raise exception 'the output cannot be kept: %', v_fault using errcode = 'WF002',
                    hint = 'Put large results into a store, and their address into the output.';
            end if;
        end if;
    end loop;
end $$;
revoke execute on function onceflow.require_outputs(jsonb[]) from public;
