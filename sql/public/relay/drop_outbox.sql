-- drop_outbox(ids) -> number of rows
-- Deletes outbox rows that the broker has acknowledged.
create or replace function onceflow.drop_outbox(p_ids bigint[]) returns int
language plpgsql volatile security definer set search_path = pg_catalog, pg_temp as $$
declare
    v_count int;
begin
    delete from onceflow.outbox o where o.id = any (p_ids);
    get diagnostics v_count = row_count;
    return v_count;
end $$;
revoke execute on function onceflow.drop_outbox(bigint[]) from public;
