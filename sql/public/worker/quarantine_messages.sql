-- quarantine_messages(topics, partitions, offsets, payloads, reasons) -> number of rows
-- Keeps messages that cannot be read or that name nothing known; one that came before is kept once.
-- Errors: WF002 arrays that differ.
create or replace function onceflow.quarantine_messages(
    p_topics text[], p_partitions int[], p_offsets bigint[], p_payloads bytea[], p_reasons text[])
returns int
language plpgsql volatile security definer set search_path = pg_catalog, pg_temp as $$
declare
    v_count int;
begin
    if exists (
        select from unnest(array[cardinality(p_partitions), cardinality(p_offsets), cardinality(p_payloads), cardinality(p_reasons)]) n
        where n is distinct from cardinality(p_topics))
    then
        raise exception 'the arrays differ in length: % topics', cardinality(p_topics)
            using errcode = 'WF002', hint = 'Give one of each for each message.';
    end if;
    insert into onceflow.quarantine (source, topic, partition, "offset", payload, reason, at)
    select 'message', m.topic, m.part, m.pos, substring(m.payload for 65536), m.reason, clock_timestamp()
    from unnest(p_topics, p_partitions, p_offsets, p_payloads, p_reasons) m (topic, part, pos, payload, reason)
    order by m.topic, m.part, m.pos
    on conflict do nothing;
    get diagnostics v_count = row_count;
    return v_count;
end $$;
revoke execute on function onceflow.quarantine_messages(text[], int[], bigint[], bytea[], text[]) from public;
