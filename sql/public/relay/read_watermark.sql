-- read_watermark() -> xid8
-- For the search for lost messages. Every dispatch by an older transaction than this was shipped
-- before now: it is the older of the oldest transaction that may still be running and the oldest that
-- has a task's message in the outbox. Read the topic's end offsets after it (docs/protocol.md).
create or replace function onceflow.read_watermark() returns xid8
language plpgsql stable security definer set search_path = pg_catalog, pg_temp as $$
begin
    return (
        select b.xid from (
            select pg_snapshot_xmin(pg_current_snapshot()) as xid
            union all
            (select o.queued_xid from onceflow.outbox o
                where o.kind = 'task' order by o.queued_xid limit 1)) b
        order by b.xid limit 1);
end $$;
revoke execute on function onceflow.read_watermark() from public;
