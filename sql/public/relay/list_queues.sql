-- list_queues() -> names
-- Every queue that a definition or a worker has named; each is a topic.
-- Also for: operator.
create or replace function onceflow.list_queues() returns setof text
language plpgsql stable security definer set search_path = pg_catalog, pg_temp as $$
begin
    return query select q.name::text from onceflow.queue q order by q.name;
end $$;
revoke execute on function onceflow.list_queues() from public;
