-- release_quarantine(cell, ids) -> number of rows
-- Puts quarantined outbox rows back into the outbox, and has records of topics be taken again by what their triggers say
-- now; those of another cell are not here. A quarantined message is only read: the search for lost messages finds its task,
-- if it had one. A record stays where it is while there is no such trigger any more.
create or replace function onceflow.release_quarantine(p_cell int, p_ids bigint[]) returns int
language plpgsql volatile security definer set search_path = pg_catalog, pg_temp as $$
declare
    v_records bigint[];
    v_rows bigint[];
begin
    with released as (
        update onceflow.quarantine q set released_at = clock_timestamp()
        where q.id = any (p_ids) and q.source = 'record' and q.released_at is null
            and p_cell = (select d.cell from onceflow.deployment d)
            and exists (
                select from onceflow.workflow w
                join onceflow.trigger t on t.workflow_id = w.id and t.trigger = q.trigger and t.kind = 'kafka'
                where w.name = q.workflow)
        returning q.id
    )
    select coalesce(array_agg(r.id order by r.id), '{}') into v_records from released r;
    with released as (
        delete from onceflow.quarantine q
        where q.id = any (p_ids) and q.source = 'outbox'
            and p_cell = (select d.cell from onceflow.deployment d)
        returning q.id, q.outbox
    ), shipped as (
        insert into onceflow.outbox (kind, topic, key, value, headers, queued_xid, made_at)
        select r.outbox ->> 'kind', r.outbox ->> 'topic', r.outbox ->> 'key', r.outbox ->> 'value',
            r.outbox -> 'headers', pg_current_xact_id(), clock_timestamp()
        from released r
    )
    select coalesce(array_agg(r.id order by r.id), '{}') into v_rows from released r;
    perform onceflow.record_audit('release_quarantine', 'quarantined', (v_records || v_rows)::text[]);
    return cardinality(v_records || v_rows);
end $$;
revoke execute on function onceflow.release_quarantine(int, bigint[]) from public;
