-- take_tasks(worker, token, call, queues, limit) -> (instance_id, task, answer)
-- The delivery without a broker: takes up to p_limit messages of these queues out of the outbox, of each
-- queue the oldest first, and claims their tasks, all in one transaction; read_grants() tells what they are to
-- do. p_token and p_call are as in claim_tasks(). Fewer rows than p_limit: nothing more waits (but what
-- others are just taking). Repeating a call with its token gives the same grants and takes nothing more.
-- answer: granted | skipped, as in claim_tasks() | quarantined (the message names no task; it is kept).
-- The order of the queues is drawn anew by each token, so that a long backlog on one starves none.
-- Errors: WF003 a worker whose lease is over · WF004.
create or replace function onceflow.take_tasks(
    p_worker_id uuid, p_token uuid, p_call bigint, p_queues text[], p_limit int)
returns table (instance_id uuid, task text, answer text)
language plpgsql volatile security definer set search_path = ''
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
    v_answers text[];
begin
    perform onceflow.require_read_committed();
    -- A repetition waits for the end of the call that it repeats.
    perform pg_advisory_xact_lock(v_seed);
    return query
    select t.instance_id, onceflow.task_name(t.step, t.scope, t.visit), 'granted' from onceflow.task t
    where t.worker_id = p_worker_id and t.fence = p_token and t.state = 'RUNNING';
    if found then
        return;
    end if;

    for v_queue in select q from unnest(p_queues) q order by hashtextextended(q, v_seed) loop
        exit when cardinality(v_rows) >= p_limit;
        -- `between`, for with `=` the order of ids is to be had from the primary key too: through all
        -- other queues, if statistics know of one alone.
        with taken as (
            delete from onceflow.outbox o
            where o.id = any (array(
                select w.id from onceflow.outbox w
                where w.kind = 'task' and w.topic between v_queue and v_queue
                    and (w.not_before is null or w.not_before <= clock_timestamp())
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
    v_answers := array(
        select c.answer from onceflow.claim_tasks(
            p_worker_id, p_token, p_call, v_named.o_instance_ids, v_named.o_tasks) c);
    if 'unknown' = any (v_answers) then
        insert into onceflow.quarantine (source, topic, payload, outbox, reason, at)
        select 'outbox', (v_rows[n]).topic, convert_to((v_rows[n]).value, 'UTF8'), to_jsonb(v_rows[n]),
            case when v_named.o_instance_ids[n] is null or v_named.o_tasks[n] is null
                then 'it is not a task message' else 'it names a task that does not exist' end,
            clock_timestamp()
        from generate_subscripts(v_answers, 1) n where v_answers[n] = 'unknown';
    end if;
    return query
    select a.instance_id, a.task, case a.answer when 'unknown' then 'quarantined' else a.answer end
    from unnest(v_named.o_instance_ids, v_named.o_tasks, v_answers) a (instance_id, task, answer);
end $$;
revoke execute on function onceflow.take_tasks(uuid, uuid, bigint, text[], int) from public;
