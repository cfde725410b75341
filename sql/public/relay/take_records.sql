-- take_records(workflow, trigger, topic, topic id, partitions, from, next, ids, places, offsets, records, reasons, payloads, released, version id)
--   -> (partition, answer, position, started, known, passed over, quarantined)
-- Takes a set of a topic's records for a trigger: starts what they are for, or sends them as events, keeps in quarantine what
-- nothing can come of, and moves on where their partitions stand, in one transaction. So each record counts once, whoever else takes it.
-- p_partitions are believed to stand at p_from, and stand at p_next behind these records, of which there may be none.
-- Of each record: p_ids is the id of its instance, p_places its partition, p_offsets its offset there, p_records what
-- expressions see, {key, value, headers, partition, offset, timestamp}, without the value where p_reasons says why that
-- cannot be read: p_payloads then has it as it came. p_released is the row of the quarantine that it stands in, which is
-- taken once too, and moves no partition.
-- answer: taken, with how many of its records started an instance or were sent, were known by their key or place, passed
-- over by `when`, quarantined · moved: none, the partition stands elsewhere, see position · stale: none, these are offsets of
-- another topic than the one that has the name now · halted: none, the trigger is paused, its workflow disabled, or it is gone.
-- What stood in quarantine is answered with a null for its partition.
-- Where Postgres checks only a part of the schema of what they start, p_version_id is the version by whose schema they were
-- checked before, with preview_records(); what did not fit has its reason.
-- Errors: WF002 arrays that differ · WF004 · 40001 they were checked by no version, or by another than the one that runs now.
-- An expression that is too slow: as start_instances().
create or replace function onceflow.take_records(
    p_workflow text, p_trigger text, p_topic text, p_topic_id text, p_partitions int[], p_from bigint[], p_next bigint[],
    p_ids uuid[], p_places int[], p_offsets bigint[], p_records jsonb[], p_reasons text[] default null,
    p_payloads bytea[] default null, p_released bigint[] default null, p_version_id bigint default null)
returns table (partition int, answer text, "position" bigint, started int, known int, passed_over int, quarantined int)
language plpgsql volatile security definer set search_path = pg_catalog, pg_temp
set plan_cache_mode = 'force_generic_plan' set jit = 'off' set max_parallel_workers_per_gather = 0
set enable_seqscan = 'off' set enable_hashjoin = 'off' set enable_mergejoin = 'off'
set enable_material = 'off' set join_collapse_limit = 1 set cpu_tuple_cost = 1000 as $$
#variable_conflict use_column
declare
    v_found constant record := onceflow.find_topic_trigger(p_workflow, p_trigger, p_topic);
    v_trigger constant onceflow.trigger := v_found.o_trigger;
    -- Partitions that are taken, and rows of the quarantine.
    v_taken int[];
    v_again bigint[];
    v_records jsonb[];
    v_of record;
    v_outcomes text[];
    v_errors jsonb[];
begin
    perform onceflow.require_read_committed();
    if (cardinality(p_from), cardinality(p_next)) is distinct from (cardinality(p_partitions), cardinality(p_partitions))
        or (cardinality(p_places), cardinality(p_offsets), cardinality(p_records))
            is distinct from (cardinality(p_ids), cardinality(p_ids), cardinality(p_ids))
    then
        raise exception 'the arrays differ in length: % partitions, % ids', cardinality(p_partitions), cardinality(p_ids)
            using errcode = 'WF002', hint = 'Give one of each for each partition, and for each record.';
    end if;
    if v_found.o_takes and v_trigger.version_id is distinct from p_version_id and not v_trigger.spec ? 'event'
        and p_ids <> '{}' and exists (
            select from onceflow.workflow_version v where v.id = v_trigger.version_id and v.input_unchecked is not null)
    then
        raise serialization_failure using message = 'the records were not checked by the schema of the version that runs now',
            hint = 'Ask preview_records() for what they start, check it by its schema, and take them with its version_id.';
    end if;
    perform from onceflow.topic_position p
    where p.workflow_id = v_trigger.workflow_id and p.trigger = p_trigger and p.topic = p_topic
        and p.partition = any (p_partitions)
    order by p.partition for no key update;
    v_again := array(
        select q.id from onceflow.quarantine q
        where q.id = any (p_released) and q.released_at is not null and q.workflow = p_workflow and q.trigger = p_trigger
        order by q.id for no key update);
    if v_found.o_takes then
        v_taken := array(
            select k.part from unnest(p_partitions, p_from) k (part, pos)
            join onceflow.topic_position p on p.workflow_id = v_trigger.workflow_id and p.trigger = p_trigger
                and p.topic = p_topic and p.partition = k.part and p.topic_id = p_topic_id and p.position = k.pos);
        v_again := array(select q.id from onceflow.quarantine q where q.id = any (v_again) and q.released_at is not null);
        v_records := array(
            select case when case when k.released is null then k.place = any (v_taken) else k.released = any (v_again) end
                then k.record end
            from unnest(p_places, p_records, p_released) with ordinality k (place, record, released, n) order by k.n);

        select * into v_of from onceflow.evaluate_records(
            p_workflow, p_trigger, v_trigger.spec, p_topic, p_ids, v_records, p_reasons);
        if v_trigger.spec ? 'event' then
            select array_agg(k.outcome order by k.n), array_agg(k.error order by k.n) into v_outcomes, v_errors
            from onceflow.send_records(v_trigger.spec, p_topic_id, p_topic, p_places, p_offsets, v_records, v_of.o_runs,
                v_of.o_inputs, v_of.o_keys, v_of.o_errors) k;
        else
            select array_agg(k.outcome order by k.n), array_agg(k.error order by k.n) into v_outcomes, v_errors
            from onceflow.start_records(
                v_trigger, p_ids, v_records, v_of.o_runs, v_of.o_inputs, v_of.o_keys, v_of.o_errors) k;
        end if;
        if array_remove(v_errors, null) <> '{}' then
            perform onceflow.quarantine_records(p_workflow, p_trigger, p_topic, p_places, p_offsets, v_records, p_payloads,
                p_released, v_errors);
        end if;
        delete from onceflow.quarantine q
        where q.id = any (v_again) and q.released_at is not null;
        update onceflow.topic_position p set position = k.next, taken_at = clock_timestamp()
        from unnest(p_partitions, p_from, p_next) k (part, pos, next)
        where p.workflow_id = v_trigger.workflow_id and p.trigger = p_trigger and p.topic = p_topic
            and p.partition = k.part and p.partition = any (v_taken) and p.topic_id = p_topic_id and p.position = k.pos;
    end if;

    return query
    select k.part, case when k.part = any (v_taken) or k.part is null and v_found.o_takes then 'taken'
            when not v_found.o_takes or p.partition is null then 'halted'
            when p.topic_id <> p_topic_id then 'stale' else 'moved' end,
        p.position, coalesce(c.started, 0), coalesce(c.known, 0), coalesce(c.passed, 0), coalesce(c.failed, 0)
    from (select unnest(p_partitions) as part union all select null where p_released is not null) k
    left join onceflow.topic_position p on p.workflow_id = v_trigger.workflow_id and p.trigger = p_trigger
        and p.topic = p_topic and p.partition = k.part
    cross join lateral (
        select count(*) filter (where r.outcome in ('started', 'sent'))::int as started,
            count(*) filter (where r.outcome in ('exists', 'repeated'))::int as known,
            count(*) filter (where r.outcome = 'passed over')::int as passed,
            count(*) filter (where r.error is not null)::int as failed
        from unnest(p_places, p_released, v_outcomes, v_errors) r (place, released, outcome, error)
        where case when k.part is null then r.released is not null else r.released is null and r.place = k.part end) c
    order by k.part;
end $$;
revoke execute on function onceflow.take_records(
    text, text, text, text, int[], bigint[], bigint[], uuid[], int[], bigint[], jsonb[], text[], bytea[], bigint[], bigint) from public;
