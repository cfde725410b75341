-- handler_policy(handler) -> jsonb   (internal)
-- The retry policy of a handler whose attempt no worker holds: as the worker that registered last with it told
-- it; null where none did.
create or replace function onceflow.handler_policy(p_handler text) returns jsonb
language plpgsql stable as $$
begin
    return (
        select w.retries -> p_handler from onceflow.worker w
        where p_handler = any (w.tasks) order by w.registered_at desc limit 1);
end $$;
revoke execute on function onceflow.handler_policy(text) from public;
