-- read_released(workflow, trigger, limit) -> (id, topic, partition, offset, record, payload)
-- Records in quarantine that are to be taken again, oldest first: take_records() takes them. payload: the value of one that
-- could not be read; its record has none.
create or replace function onceflow.read_released(p_workflow text, p_trigger text, p_limit int)
returns table (id bigint, topic text, partition int, "offset" bigint, record jsonb, payload bytea)
language plpgsql stable security definer set search_path = pg_catalog, pg_temp as $$
#variable_conflict use_column
begin
    return query
    select q.id, q.topic, q.partition, q."offset", q.record, q.payload
    from onceflow.quarantine q
    where q.workflow = p_workflow and q.trigger = p_trigger and q.released_at is not null
    order by q.id
    limit p_limit;
end $$;
revoke execute on function onceflow.read_released(text, text, int) from public;
