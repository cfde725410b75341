-- erase_instances(ids, by) -> (instance_id, outcome, detail)
-- Takes the payloads of ended instances away, for good: inputs and outputs, of them and of their tasks; the items of their blocks; of errors, in
-- the log too, all but code and type; of what was sent to them; the values that they are found by; the progress that workers told. Which steps ran, when, and how they ended stays; so does
-- the idempotency key, whose repetition still finds its instance. p_by is who wants it (null: the role that is logged in);
-- the instance keeps it, and the server's log has a line, as the audit has of each that was asked for. Again it changes nothing, and tells of the first time.
-- With the first of a family all of it is erased; no child is by itself, for its parent has what it was given and gave.
-- outcome: done (detail says since when) | refused (it has not ended, or is a child: detail says what to do) | unknown.
-- Errors: WF004.
create or replace function onceflow.erase_instances(p_ids uuid[], p_by text default null)
returns table (instance_id uuid, outcome text, detail text)
language plpgsql volatile security definer set search_path = pg_catalog, pg_temp
set plan_cache_mode = 'force_generic_plan' set jit = 'off' set max_parallel_workers_per_gather = 0
set enable_seqscan = 'off' set enable_hashjoin = 'off' set enable_mergejoin = 'off'
set enable_material = 'off' set join_collapse_limit = 1 set cpu_tuple_cost = 1000 as $$
#variable_conflict use_column
declare
    v_by constant text := left(coalesce(nullif(btrim(p_by), ''), session_user), 200);
    v_now constant timestamptz := onceflow.now();
    v_asked constant uuid[] := array(select distinct u from unnest(p_ids) u where u is not null order by u);
    v_family uuid[];
    v_ended uuid[];
begin
    perform onceflow.require_read_committed();
    -- What has ended stays so, and its family with it, whose ids are of one millisecond; workers' rows are changed before
    -- instances are locked.
    v_family := array(
        select m.id from unnest(v_asked) u (id)
        cross join lateral (
            select r.id from onceflow.instance r
            where r.id = u.id and r.id >= v_asked[1] and r.ended_at is not null and r.parent_id is null offset 0) r
        cross join lateral (
            select m.id from onceflow.instance m
            where m.id between (left(u.id::text, 13) || '-0000-0000-000000000000')::uuid
                    and (left(u.id::text, 13) || '-ffff-ffff-ffffffffffff')::uuid
                and (m.id = u.id or m.root_id = u.id) offset 0) m
        order by m.id);
    update onceflow.worker w
    set progress = w.progress - array(
        select k from jsonb_object_keys(w.progress) k where split_part(k, '/', 1) = any (v_family::text[]))
    where jsonb_typeof(w.progress) = 'object' and exists (
        select from jsonb_object_keys(w.progress) k where split_part(k, '/', 1) = any (v_family::text[]));

    v_family := onceflow.lock_instances(v_family);
    v_ended := array(
        select i.id from onceflow.instance i
        where i.id = any (v_family) and i.id >= v_family[1] and i.ended_at is not null and i.erased_at is null
        order by i.id);
    update onceflow.task t
    set input = case when t.input is not null then jsonb 'null' end, output = null, error = onceflow.erased_error(t.error)
    where t.instance_id = any (v_ended) and t.instance_id >= v_ended[1] and t.seq is not null
        and t.state in ('SUCCEEDED', 'FAILED', 'SKIPPED', 'CANCELLED', 'DEAD_LETTER');
    update onceflow.task_log l
    set error = onceflow.erased_error(l.error)
    where l.instance_id = any (v_ended) and l.instance_id >= v_ended[1] and l.error is not null;
    -- By its hash one could find out what an input was.
    update onceflow.idempotency_key k
    set input_hash = ''
    where k.instance_id = any (v_ended);
    update onceflow.scope s
    set item = case when s.item is not null then jsonb 'null' end, error = onceflow.erased_error(s.error)
    where s.instance_id = any (v_ended) and s.instance_id >= v_ended[1] and (s.item is not null or s.error is not null);
    update onceflow.delivery d
    set payload = case when d.payload is not null then jsonb 'null' end, error = onceflow.erased_error(d.error)
    where d.instance_id = any (v_ended) and d.instance_id >= v_ended[1] and (d.payload is not null or d.error is not null);
    delete from onceflow.search_value s where s.instance_id = any (v_ended);
    update onceflow.instance i
    set input = 'null', output = null, error = onceflow.erased_error(i.error), erased_at = v_now, erased_by = v_by,
        trace = i.trace - 'tracestate'
    where i.id = any (v_ended) and i.id >= v_ended[1] and i.erased_at is null
        and i.state in ('SUCCEEDED', 'FAILED', 'COMPENSATED', 'CANCELLED');
    if cardinality(v_ended) > 0 then
        raise log 'payloads erased by %, of instances %', v_by, v_ended;
        perform onceflow.record_audit('erase_instances', 'instance',
            array(select u::text from unnest(v_asked) u where u = any (v_ended) order by u), p_by => array[v_by]);
    end if;

    return query
    select u.id, case when i.id is null then 'unknown' when i.erased_at is not null then 'done' else 'refused' end,
        case when i.id is null then 'there is no such instance'
            when i.erased_at is not null then 'payloads erased at ' || onceflow.time_text(i.erased_at) || ' by ' || i.erased_by
            when i.root_id is not null then 'it is a child, which goes with its family; erase its root: ' || i.root_id
            when i.ended_at is not null then 'it has ended this very moment; erase it again'
            else 'it is ' || i.state || ', and its tasks need their payloads until it has ended; cancel it, or wait' end
    from unnest(v_asked) u (id)
    left join onceflow.instance i on i.id = u.id
    order by u.id;
end $$;
revoke execute on function onceflow.erase_instances(uuid[], text) from public;
