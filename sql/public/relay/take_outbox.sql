-- take_outbox(limit, bytes) -> (id, kind, topic, key, value, headers)
-- Locks a batch of outbox rows for the relay that asks, oldest first, until its transaction ends;
-- rows that another relay holds are passed over. topic is the queue's name for a task, the topic as
-- the user named it for an event. What was shipped is deleted by drop_outbox() in that transaction.
-- Beyond p_bytes of values no further row is given. headers are null where they are no object of texts.
-- Errors: WF005 where messages do not travel over Kafka.
create or replace function onceflow.take_outbox(p_limit int, p_bytes bigint default 33554432)
returns table (id bigint, kind text, topic text, key text, value text, headers jsonb)
language plpgsql volatile security definer set search_path = pg_catalog, pg_temp as $$
#variable_conflict use_column
begin
    perform onceflow.require_transport('kafka');
    return query
    with taken as materialized (
        select o.id, o.kind, o.topic, o.key, o.value, o.headers
        from onceflow.outbox o
        where o.not_before is null or o.not_before <= clock_timestamp()
        order by o.id
        limit p_limit
        for update skip locked
    )
    select t.id, t.kind, t.topic, t.key, t.value,
        case when t.headers = '{}' or jsonb_typeof(t.headers) = 'object'
            and not jsonb_path_exists(t.headers, '$.* ? (@.type() <> "string")') then t.headers end
    from (
        select t.*, sum(octet_length(t.value)) over (order by t.id rows unbounded preceding)
            - octet_length(t.value) as before
        from taken t) t
    where t.before < p_bytes
    order by t.id;
end $$;
revoke execute on function onceflow.take_outbox(int, bigint) from public;
