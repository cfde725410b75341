-- send_records(spec, topic id, topic, places, offsets, records, runs, payloads, keys, errors) -> (n, outcome, error)   (internal)
-- Sends what a topic's records are as events, as evaluate_records() has them, for whoever waits for them. The id of each is
-- the place of its record, so that it is one event however many entries send it, and it is told where they differ.
-- outcome: sent | repeated | passed over | failed, with the error that says why; null of a record that is null, which is not taken.
create or replace function onceflow.send_records(
    p_spec jsonb, p_topic_id text, p_topic text, p_places int[], p_offsets bigint[], p_records jsonb[], p_runs boolean[],
    p_payloads jsonb[], p_keys text[], p_errors jsonb[])
returns table (n int, outcome text, error jsonb)
language plpgsql volatile as $$
#variable_conflict use_column
declare
    -- A topic's name may be as long as an id.
    v_from constant text := coalesce(nullif(p_topic_id, ''), case when length(p_topic) > 200 then md5(p_topic) else p_topic end);
    v_of record;
    v_sent record;
begin
    select array_agg(p_spec ->> 'event') as names, array_agg(k.key order by k.n) as keys,
        array_agg(k.payload order by k.n) as payloads,
        array_agg(format('%s/%s/%s', v_from, k.place, k.pos) order by k.n) as ids
    into v_of
    from unnest(p_places, p_offsets, p_records, p_runs, p_payloads, p_keys, p_errors)
        with ordinality k (place, pos, record, runs, payload, key, error, n)
    where k.record is not null and k.runs and k.error is null;
    select array_agg(s.outcome order by s.ordinal) as outcomes, array_agg(s.detail order by s.ordinal) as details
    into v_sent
    from onceflow.send_events(coalesce(v_of.names, '{}'), coalesce(v_of.keys, '{}'), coalesce(v_of.payloads, '{}'), v_of.ids) s;
    return query
    select k.n::int, case when k.record is null then null when k.error is not null then 'failed'
            when not k.sends then 'passed over' when o.outcome in ('sent', 'repeated') then o.outcome else 'failed' end,
        case when k.record is null or k.error is not null or not k.sends then k.error
            when o.outcome not in ('sent', 'repeated') then jsonb_build_object('code', o.outcome, 'message', case o.outcome
                when 'conflict' then 'another entry has sent it as an event of this name with another key or payload'
                else v_sent.details[k.nth] end) end
    from (
        select k.*, r.sends, (count(*) filter (where r.sends) over (order by k.n))::int as nth
        from unnest(p_records, p_runs, p_errors) with ordinality k (record, runs, error, n)
        cross join lateral (select k.record is not null and k.runs and k.error is null as sends) r) k
    cross join lateral (select v_sent.outcomes[k.nth] as outcome) o
    order by k.n;
end $$;
revoke execute on function onceflow.send_records(
    jsonb, text, text, int[], bigint[], jsonb[], boolean[], jsonb[], text[], jsonb[]) from public;
