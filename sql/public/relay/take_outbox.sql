-- take_outbox(limit) -> (id, kind, topic, key, value, headers)
-- Locks a batch of outbox rows for the relay that asks, oldest first, until its transaction ends;
-- rows that another relay holds are passed over. topic is the queue's name for a task, the topic as
-- the user named it for an event. What was shipped is deleted by drop_outbox() in that transaction.
-- Errors: WF005 where messages do not travel over Kafka.
create or replace function onceflow.take_outbox(p_limit int)
returns table (id bigint, kind text, topic text, key text, value text, headers jsonb)
language plpgsql volatile security definer set search_path = pg_catalog, pg_temp as $$
#variable_conflict use_column
begin
    perform onceflow.require_transport('kafka');
    return query
    select o.id, o.kind, o.topic, o.key, o.value, o.headers
    from onceflow.outbox o
    where o.not_before is null or o.not_before <= clock_timestamp()
    order by o.id
    limit p_limit
    for update skip locked;
end $$;
revoke execute on function onceflow.take_outbox(int) from public;
