-- send_events(names, keys, payloads, ids) -> (ordinal, id, outcome, waited, detail)
-- Sends events to whoever waits for their names and keys, of all instances; waited is how many steps did. They get it as
-- apply_deliveries() is called next, by the caller or by the clock; so this locks no instance, and is best a transaction of its
-- own. A step that begins to wait later takes it as long as its `keep` says. p_ids (null: made here) make a repetition
-- harmless, for a day at least.
-- outcome: sent | repeated (it came before) | conflict (its id came before, of this name, with another key or payload) | invalid.
--   detail says it in words; each item has its own.
-- Errors: WF002 arrays that differ · WF004.
-- Also for: operator.
create or replace function onceflow.send_events(
    p_names text[], p_keys text[], p_payloads jsonb[], p_ids text[] default null)
returns table (ordinal int, id text, outcome text, waited int, detail text)
language plpgsql volatile security definer set search_path = pg_catalog, pg_temp
set plan_cache_mode = 'force_generic_plan' set jit = 'off' set max_parallel_workers_per_gather = 0
set enable_seqscan = 'off' set enable_hashjoin = 'off' set enable_mergejoin = 'off'
set enable_material = 'off' set join_collapse_limit = 1 set cpu_tuple_cost = 1000 as $$
#variable_conflict use_column
declare
    v_now constant timestamptz := onceflow.now();
    v_judged onceflow.judged_event[];
    v_sent text[];
    v_waited jsonb;
begin
    perform onceflow.require_read_committed();
    if cardinality(p_names) is distinct from cardinality(p_keys)
        or cardinality(p_names) is distinct from cardinality(p_payloads)
        or p_ids is not null and cardinality(p_names) is distinct from cardinality(p_ids) then
        raise exception 'the arrays differ in length: % names, % keys, % payloads', cardinality(p_names),
            cardinality(p_keys), cardinality(p_payloads)
            using errcode = 'WF002', hint = 'Give one of each for each event.';
    end if;
    v_judged := onceflow.judge_events(p_names, p_keys, p_payloads, p_ids);
    perform onceflow.lock_buckets(array(select j.name from unnest(v_judged) j where j.outcome is null order by j.n),
        array(select j.key from unnest(v_judged) j where j.outcome is null order by j.n), true);

    with sent as (
        insert into onceflow.event (name, id, key, payload, sent_at, keep_until, n)
        select j.name, j.id, j.key, j.payload, v_now, v_now + make_interval(secs => greatest(86400, (
            select max((s.spec ->> 'keep')::float8) from onceflow.step s
            where s.spec ->> 'event' = j.name and s.kind = 'wait_for'))), nextval('onceflow.delivery_id')
        from (
            select distinct on (j.name, j.id) j.* from unnest(v_judged) j
            where j.outcome is null order by j.name, j.id, j.n offset 0) j
        on conflict do nothing
        returning name, id
    )
    select coalesce(array_agg(s.name || '/' || s.id), '{}') into v_sent from sent s;
    -- In a statement of its own: who began to wait has committed, or will see what was sent.
    with delivered as (
        insert into onceflow.delivery (instance_id, id, kind, name, key, payload, step, scope, visit, state, made_at)
        select w.instance_id, nextval('onceflow.delivery_id'), 'event', w.name, w.event_id, w.payload, w.step, w.scope,
            w.visit, 'sent', v_now
        from (
            select w.*, j.id as event_id, j.payload
            from (
                select distinct on (j.name, j.id) j.* from unnest(v_judged) j
                where j.name || '/' || j.id = any (v_sent) order by j.name, j.id, j.n offset 0) j
            cross join lateral (
                select w.instance_id, w.step, w.scope, w.visit, w.name from onceflow.wait w
                where w.kind = 'event' and w.name = j.name and w.key = j.key offset 0) w
            where not exists (
                select from onceflow.delivery d
                where d.instance_id = w.instance_id and d.step = w.step and d.key = j.id and d.kind = 'event'
                    and d.name = j.name)
            order by j.n, w.instance_id, w.step, w.scope, w.visit offset 0) w
        returning name || '/' || key as event
    )
    select coalesce(jsonb_object_agg(d.event, d.waited), '{}') into v_waited
    from (select d.event, count(*) as waited from delivered d group by d.event) d;
    if v_waited <> '{}' then
        perform onceflow.wake_sleepers('{*deliveries}');
    end if;

    return query
    select j.n::int, j.id, o.outcome, case when o.outcome = 'sent' then
            coalesce((v_waited ->> (j.name || '/' || j.id))::int, 0) else 0 end,
        coalesce(j.detail, case o.outcome when 'sent' then 'sent' when 'repeated' then 'it came before, under this id'
            else 'another key or payload came before under this id: take another for another event' end)
    from unnest(v_judged) j
    left join onceflow.event e on e.name = j.name and e.id = j.id
    cross join lateral (
        select case when j.outcome is not null then j.outcome
            when e.key <> j.key or e.payload <> j.payload then 'conflict'
            when j.name || '/' || j.id = any (v_sent) and j.n = (
                select min(f.n) from unnest(v_judged) f where f.name = j.name and f.id = j.id) then 'sent'
            else 'repeated' end as outcome) o
    order by j.n;
end $$;
revoke execute on function onceflow.send_events(text[], text[], jsonb[], text[]) from public;
