-- release_quarantine(cell, ids) -> number of rows
-- Puts quarantined outbox rows back into the outbox, and has records of topics be taken again by what their triggers say
-- now; those of another cell are not here. A quarantined message is only read: the search for lost messages finds its task,
-- if it had one. A record stays where it is while there is no such trigger any more.
create or replace function onceflow.release_quarantine(p_cell int, p_ids bigint[]) returns int
language plpgsql volatile security definer set search_path = pg_catalog, pg_temp as $$
declare
    v_count int;
    v_records int;
begin
    update onceflow.quarantine q set released_at = clock_timestamp()
    where q.id = any (p_ids) and q.source = 'record' and q.released_at is null
        and p_cell = (select d.cell from onceflow.deployment d)
        and exists (
            select from onceflow.workflow w
            join onceflow.trigger t on t.workflow_id = w.id and t.trigger = q.trigger and t.kind = 'kafka'
            where w.name = q.workflow);
    get diagnostics v_records = row_count;
    with released as (
        delete from onceflow.quarantine q
        where q.id = any (p_ids) and q.source = 'outbox'
            and p_cell = (select d.cell from onceflow.deployment d)
        returning q.outbox
    )
    insert into onceflow.outbox (kind, topic, key, value, headers, queued_xid, made_at)
    select r.outbox ->> 'kind', r.outbox ->> 'topic', r.outbox ->> 'key', r.outbox ->> 'value',
        r.outbox -> 'headers', pg_current_xact_id(), clock_timestamp()
    from released r;
    get diagnostics v_count = row_count;
    return v_count + v_records;
end $$;
revoke execute on function onceflow.release_quarantine(int, bigint[]) from public;
