-- quarantine_records(workflow, trigger, topic, places, offsets, records, payloads, released, errors) -> void   (internal)
-- Keeps records of which nothing has come with what was wrong, or says it anew of those that were taken again (p_released:
-- their rows). A record whose value could not be read is kept with its bytes. One that has come before stays as it is.
create or replace function onceflow.quarantine_records(
    p_workflow text, p_trigger text, p_topic text, p_places int[], p_offsets bigint[], p_records jsonb[],
    p_payloads bytea[], p_released bigint[], p_errors jsonb[])
returns void
language plpgsql volatile as $$
begin
    update onceflow.quarantine q set reason = onceflow.record_fault(k.error), released_at = null, at = clock_timestamp()
    from unnest(p_released, p_errors) k (id, error)
    where q.id = k.id and k.error is not null;
    insert into onceflow.quarantine (source, topic, partition, "offset", payload, reason, at, workflow, trigger, record)
    select 'record', p_topic, k.place, k.pos, k.payload, onceflow.record_fault(k.error), clock_timestamp(),
        p_workflow, p_trigger, k.record
    from unnest(p_places, p_offsets, p_records, p_payloads, p_released, p_errors)
        with ordinality k (place, pos, record, payload, released, error, n)
    where k.error is not null and k.released is null
    order by k.n;
end $$;
revoke execute on function onceflow.quarantine_records(
    text, text, text, int[], bigint[], jsonb[], bytea[], bigint[], jsonb[]) from public;
