-- read_grants(worker, token, instance ids) -> the tasks that run under a token
-- What a claim or a completion with hand-off has granted, for as long as it is not answered; both tell
-- it themselves as well. key is the idempotency key, the same in every attempt; timeout is in seconds,
-- null for none; extra is null for most, else {"secrets": [{"at", "parts"}]}:
-- for each place in the input (keys and indexes) a text to be put there, of strings and {"secret": name}; and
-- {"trace": {"traceparent", "tracestate"}} of an instance that was started with a trace context, with
-- {"waited": [{"kind", "task", "since", "until"}]}, what was waited for before. What else later releases tell stands beside these. The ids of the claim or
-- completion, where given, keep the search to their partitions.
create or replace function onceflow.read_grants(
    p_worker_id uuid, p_token uuid, p_instance_ids uuid[] default null)
returns table (
    instance_id uuid, task text, fence uuid, handler text, queue text, input jsonb, attempt int,
    timeout double precision, key text, workflow text, version int, compensation boolean, extra jsonb)
language plpgsql stable security definer set search_path = pg_catalog, pg_temp
set plan_cache_mode = 'force_generic_plan' set jit = 'off' set max_parallel_workers_per_gather = 0
set enable_seqscan = 'off' set enable_hashjoin = 'off' set enable_mergejoin = 'off'
set enable_material = 'off' set join_collapse_limit = 1 set cpu_tuple_cost = 1000 as $$
#variable_conflict use_column
declare
    v_lowest uuid := coalesce((select u from unnest(p_instance_ids) u order by u limit 1),
        '00000000-0000-0000-0000-000000000000');
begin
    return query
    select g.instance_id, g.task, g.fence, g.handler, g.queue, g.input, g.attempt, g.timeout, g.key,
        g.workflow, g.version, g.compensation, g.extra
    from onceflow.grants g
    where g.worker_id = p_worker_id and g.fence = p_token and g.instance_id >= v_lowest;
end $$;
revoke execute on function onceflow.read_grants(uuid, uuid, uuid[]) from public;
