-- require_outputs(outputs) -> void   (internal)
-- Errors: WF002 where an output may not be kept (payload_fault() says why).
create or replace function onceflow.require_outputs(p_outputs jsonb[]) returns void
language plpgsql immutable as $$
declare
    v_output jsonb;
    v_fault text;
begin
    -- In one look for all, since nothing is wrong with most.
    for v_output in
        select o from unnest(p_outputs) o where pg_column_size(o) > 1000 or octet_length(o::text) > 1000
    loop
        v_fault := onceflow.payload_fault(v_output);
        if v_fault is not null then
            raise exception 'the output cannot be kept: %', v_fault using errcode = 'WF002',
                hint = 'Put large results into a store, and their address into the output.';
        end if;
    end loop;
end $$;
revoke execute on function onceflow.require_outputs(jsonb[]) from public;
