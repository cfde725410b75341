-- return_misfits(sorted ids, keys, fences, errors) -> change[]   (internal)
-- Of failed attempts those that a worker could not begin, which decides nothing of their instances: it lacks secrets
-- that the step needs, or the input has a field that the handler does not take, and another worker of the queue has,
-- or had within ten minutes, another signature of it: a release is rolled out. They go back, uncounted, to be tried
-- again, elsewhere perhaps.
create or replace function onceflow.return_misfits(
    p_ids uuid[], p_keys onceflow.task_key[], p_fences uuid[], p_errors jsonb[])
returns onceflow.change[]
language plpgsql volatile as $$
declare
    v_keys onceflow.task_key[];
    v_fences uuid[];
    v_errors jsonb[];
begin
    select coalesce(array_agg(row(k.instance_id, k.step, k.scope, k.visit)::onceflow.task_key), '{}'),
        coalesce(array_agg(k.fence), '{}'), coalesce(array_agg(onceflow.bounded_error(k.error)), '{}')
    into v_keys, v_fences, v_errors
    from unnest(p_keys, p_fences, p_errors) k (instance_id, step, scope, visit, fence, error)
    cross join lateral (
        select t.worker_id, t.queue from onceflow.task t
        where t.instance_id = k.instance_id and t.step = k.step and t.scope = k.scope
            and t.visit = k.visit and t.instance_id between p_ids[1] and p_ids[cardinality(p_ids)]
            and t.state = 'RUNNING' and t.fence = k.fence offset 0) t
    cross join lateral (
        select i.version_id from onceflow.instance i
        where i.id = k.instance_id and i.id between p_ids[1] and p_ids[cardinality(p_ids)] offset 0) i
    cross join lateral (
        select s.handler from onceflow.step s
        where s.version_id = i.version_id and s.step = k.step offset 0) s
    cross join lateral (
        select w.signatures ->> s.handler as signature from onceflow.worker w
        where w.id = t.worker_id offset 0) own
    where jsonb_typeof(k.error -> 'missing_secrets') = 'array' or k.error ->> 'unknown_field' = 'true' and exists (
        select from onceflow.worker w
        where coalesce(w.ended_at, clock_timestamp()) > clock_timestamp() - interval '10 minutes'
            and t.queue = any (w.queues) and w.signatures ->> s.handler <> own.signature);
    return onceflow.return_attempts(
        p_ids, v_keys, v_fences, array_fill(false, array[cardinality(v_fences)]), true, v_errors);
end $$;
revoke execute on function onceflow.return_misfits(
    uuid[], onceflow.task_key[], uuid[], jsonb[]) from public;
