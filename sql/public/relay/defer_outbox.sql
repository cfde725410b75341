-- defer_outbox(ids, errors, hopeless) -> (id, outcome)
-- Puts outbox rows off that could not be shipped: 1, 2, 4 … s, at most 60 s; at the tenth failure a
-- row goes to quarantine, from where release_quarantine() puts it back; one that p_hopeless names does so at
-- once. outcome: deferred | quarantined.
-- Errors: WF002 arrays that differ.
create or replace function onceflow.defer_outbox(
    p_ids bigint[], p_errors text[], p_hopeless bigint[] default '{}')
returns table (id bigint, outcome text)
language plpgsql volatile security definer set search_path = pg_catalog, pg_temp as $$
#variable_conflict use_column
begin
    if cardinality(p_ids) is distinct from cardinality(p_errors) then
        raise exception 'ids and errors differ in number: % and %', cardinality(p_ids), cardinality(p_errors)
            using errcode = 'WF002', hint = 'Give one error for each id.';
    end if;
    perform from onceflow.outbox o where o.id = any (p_ids) order by o.id for update;

    return query
    with tried as (
        update onceflow.outbox o
        set tries = o.tries + 1, error = f.error,
            not_before = clock_timestamp() + make_interval(secs => least(60, power(2, o.tries)))
        from unnest(p_ids, p_errors) f (id, error)
        where o.id = f.id and o.tries < 9 and o.id <> all (p_hopeless)
        returning o.id
    ), removed as (
        delete from onceflow.outbox o
        using unnest(p_ids, p_errors) f (id, error)
        where o.id = f.id and (o.tries >= 9 or o.id = any (p_hopeless))
        returning o.*, f.error as reason
    ), kept as (
        insert into onceflow.quarantine (source, topic, payload, outbox, reason, at)
        select 'outbox', r.topic, convert_to(r.value, 'UTF8'), to_jsonb(r) - 'reason', r.reason, clock_timestamp()
        from removed r
    )
    select t.id, 'deferred' from tried t
    union all
    select r.id, 'quarantined' from removed r;
end $$;
revoke execute on function onceflow.defer_outbox(bigint[], text[], bigint[]) from public;
