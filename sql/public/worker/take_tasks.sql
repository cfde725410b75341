-- take_tasks(worker, token, call, queues, limit)
--   -> (instance_id, task, answer, and of what is granted all that it takes to run it)
-- The delivery without a broker: takes up to p_limit messages of these queues out of the outbox, of each
-- queue the oldest first, and claims their tasks, all in one transaction; read_grants() says what the columns
-- mean. p_token and p_call are as in claim_tasks(). Fewer rows than p_limit: nothing more waits (but what
-- others are just taking). Repeating a call with its token gives the same grants and takes nothing more.
-- answer: granted | skipped | held, as in claim_tasks() | quarantined (the message names no task; it is kept).
-- The order of the queues is drawn anew by each token, so that a long backlog on one starves none.
-- Errors: WF003 a worker whose lease is over · WF004.
create or replace function onceflow.take_tasks(
    p_worker_id uuid, p_token uuid, p_call bigint, p_queues text[], p_limit int)
returns table (
    instance_id uuid, task text, answer text,
    fence uuid, handler text, queue text, input jsonb, attempt int, timeout double precision,
    key text, workflow text, version int, compensation boolean, extra jsonb)
language plpgsql volatile security definer set search_path = pg_catalog, pg_temp
set plan_cache_mode = 'force_generic_plan' set jit = 'off' set max_parallel_workers_per_gather = 0
set enable_seqscan = 'off' set enable_hashjoin = 'off' set enable_mergejoin = 'off'
set enable_material = 'off' set join_collapse_limit = 1 set cpu_tuple_cost = 1000 as $$
#variable_conflict use_column
declare
    v_seed constant bigint := hashtextextended(p_token::text, 0);
    v_queue text;
    v_rows onceflow.outbox[] := '{}';
    v_taken onceflow.outbox[];
    v_named record;
begin
    if not onceflow.is_read_committed() then
        perform onceflow.require_read_committed();
    end if;
    -- A repetition waits for the end of the call that it repeats.
    if not pg_try_advisory_xact_lock(v_seed) then
        perform onceflow.await_call(v_seed);
    end if;
    -- A look at the tasks alone, since all but repetitions find none.
    if exists (select from onceflow.task t where t.worker_id = p_worker_id and t.fence = p_token) then
        return query
        select g.instance_id, g.task, 'granted', g.fence, g.handler, g.queue, g.input, g.attempt, g.timeout,
            g.key, g.workflow, g.version, g.compensation, g.extra
        from onceflow.grants g
        where g.worker_id = p_worker_id and g.fence = p_token;
        return;
    end if;

    for v_queue in
        select q from unnest(p_queues) q
        where q <> all (array(select p.name from onceflow.queue p where p.paused_at is not null))
        order by hashtextextended(q, v_seed)
    loop
        exit when cardinality(v_rows) >= p_limit;
        -- `between`, for with `=` the order of ids is to be had from the primary key too: through all
        -- other queues, if statistics know of one alone.
        with taken as (
            delete from onceflow.outbox o
            where o.id = any (array(
                select w.id from onceflow.outbox w
                where w.kind = 'task' and w.topic between v_queue and v_queue
                    and (w.not_before is null or w.not_before <= clock_timestamp())
                    -- What was held for its handler is for those who have it.
                    and (not w.headers ? 'handler' or w.headers ->> 'handler' = any (
                        array(select unnest(k.tasks) from onceflow.worker k where k.id = p_worker_id)))
                order by w.topic, w.id
                limit p_limit - cardinality(v_rows)
                for update skip locked))
            returning o)
        select array_agg(t.o order by (t.o).id) into v_taken from taken t;
        v_rows := v_rows || v_taken;
    end loop;
    if cardinality(v_rows) = 0 then
        perform onceflow.require_live_worker(p_worker_id);
        return;
    end if;

    v_named := onceflow.read_messages(array(select r.value from unnest(v_rows) r));
    if cardinality(v_rows) = 1 and v_named.o_instance_ids[1] is not null then
        perform onceflow.require_live_worker(p_worker_id);
        return query
        select * from onceflow.claim_alone(p_worker_id, p_token, p_call,
            (onceflow.task_keys(v_named.o_instance_ids, v_named.o_tasks))[1], v_named.o_tasks[1]);
        if found then
            return;
        end if;
    end if;
    return query
    with claimed as (
        select c.* from onceflow.claim_tasks(
            p_worker_id, p_token, p_call, v_named.o_instance_ids, v_named.o_tasks) with ordinality c
    ), kept as (
        insert into onceflow.quarantine (source, topic, payload, outbox, reason, at)
        select 'outbox', (r.message).topic, convert_to((r.message).value, 'UTF8'), to_jsonb(r.message),
            case when c.instance_id is null or c.task is null
                then 'it is not a task message' else 'it names a task that does not exist' end,
            clock_timestamp()
        from claimed c
        cross join lateral (select v_rows[c.ordinality] as message) r
        where c.answer = 'unknown'
    )
    select c.instance_id, c.task, case c.answer when 'unknown' then 'quarantined' else c.answer end,
        c.fence, c.handler, c.queue, c.input, c.attempt, c.timeout, c.key, c.workflow, c.version,
        c.compensation, c.extra
    from claimed c;
end $$;
revoke execute on function onceflow.take_tasks(uuid, uuid, bigint, text[], int) from public;
