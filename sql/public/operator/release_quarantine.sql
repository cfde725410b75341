-- release_quarantine(cell, ids) -> number of rows
-- Puts quarantined outbox rows back into the outbox; those of another cell are not here. A quarantined message is
-- only read: the search for lost messages finds its task, if it had one.
create or replace function onceflow.release_quarantine(p_cell int, p_ids bigint[]) returns int
language plpgsql volatile security definer set search_path = pg_catalog, pg_temp as $$
declare
    v_count int;
begin
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
    return v_count;
end $$;
revoke execute on function onceflow.release_quarantine(int, bigint[]) from public;
