-- explain_missing(queue, handler) -> explanation   (internal)
-- What is to be said of a queue of which no live worker has the handler.
create or replace function onceflow.explain_missing(p_queue text, p_handler text) returns onceflow.explanation
language plpgsql stable as $$
begin
    return row(case when exists (select from onceflow.worker w
            where w.state = 'live' and w.lease_until > clock_timestamp() and p_queue = any (w.queues))
        then format('no live worker of queue %s has the task %s; start one that has', quote_ident(p_queue), p_handler)
        else format('queue %s has no live worker; start one that has the task %s', quote_ident(p_queue), p_handler)
        end, 'worker', jsonb_build_object('queue', p_queue, 'task', p_handler))::onceflow.explanation;
end $$;
revoke execute on function onceflow.explain_missing(text, text) from public;
