-- publish_events(topics, keys, values, headers, event ids) -> number of rows
-- Puts events of the user's own into the outbox, in the caller's transaction. Each is shipped at least
-- once, with its id in the header onceflow-event-id, by which a receiver knows a repetition.
-- Errors: WF002 arrays that differ, an event of more than 1 MiB · WF005 where messages do not travel over Kafka.
create or replace function onceflow.publish_events(
    p_topics text[], p_keys text[], p_values text[], p_headers jsonb[], p_event_ids text[])
returns int
language plpgsql volatile security definer set search_path = pg_catalog, pg_temp as $$
declare
    v_fault text;
    v_count int;
begin
    if exists (
        select from unnest(array[cardinality(p_keys), cardinality(p_values), cardinality(p_headers), cardinality(p_event_ids)]) n
        where n is distinct from cardinality(p_topics))
    then
        raise exception 'the arrays differ in length: % topics', cardinality(p_topics)
            using errcode = 'WF002', hint = 'Give one of each for each event.';
    end if;
    select f.fault into v_fault
    from unnest(p_topics, p_keys, p_values, p_headers, p_event_ids)
        with ordinality e (topic, key, value, headers, event_id, n)
    cross join lateral onceflow.event_fault(e.topic, e.key, e.value, e.headers, e.event_id) f (fault)
    where f.fault is not null
    order by e.n limit 1;
    if v_fault is not null then
        raise exception 'the event cannot be published: %', v_fault
            using errcode = 'WF002', hint = 'Correct what the handler publishes; large data belongs elsewhere, with its address in the event.';
    end if;
    perform onceflow.require_transport('kafka');
    insert into onceflow.outbox (kind, topic, key, value, headers, queued_xid, made_at)
    select 'event', e.topic, e.key, e.value,
        coalesce(e.headers, '{}') || jsonb_build_object('onceflow-event-id', e.event_id),
        pg_current_xact_id(), clock_timestamp()
    from unnest(p_topics, p_keys, p_values, p_headers, p_event_ids)
        with ordinality e (topic, key, value, headers, event_id, n)
    order by e.n;
    get diagnostics v_count = row_count;
    perform onceflow.wake_sleepers('{*}');
    return v_count;
end $$;
revoke execute on function onceflow.publish_events(text[], text[], text[], jsonb[], text[]) from public;
