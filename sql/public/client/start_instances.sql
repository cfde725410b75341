-- start_instances(workflow, inputs, keys, version, ids, start at) -> (ordinal, instance_id, outcome, state, error)
-- Starts an instance for each input, of the latest version unless one is given. p_ids are the callers' own
-- UUIDs version 7, made within an hour (null: made here): a call whose reply was lost is repeated with the same.
-- p_keys are idempotency keys (null for none): one key starts one instance, whoever sends it and however often.
-- p_start_at (null: at once) is when the first steps of an instance come due; until then it waits, and can be cancelled.
-- outcome: started | exists (the instance of that key or id; whatever the input, where its own is erased) | conflict
--   (which was started with another input, or of another workflow: nothing was started) | invalid (nothing was started, error {code, message} says why,
--   of an input that does not fit the workflow's schema with its faults [{place, message}]; there
--   is no instance_id) | disabled (an operator lets none of the workflow start: disable_workflows(); error says so).
--   Each item has its own: one that is invalid keeps no other from being started.
-- Errors: WF001 no such workflow or version · WF002 arrays that differ in length.
create or replace function onceflow.start_instances(
    p_workflow text, p_inputs jsonb[], p_keys text[] default null, p_version int default null,
    p_ids uuid[] default null, p_start_at timestamptz[] default null)
returns table (ordinal int, instance_id uuid, outcome text, state text, error jsonb)
language plpgsql volatile security definer set search_path = pg_catalog, pg_temp
set plan_cache_mode = 'force_generic_plan' set jit = 'off' set max_parallel_workers_per_gather = 0
set enable_seqscan = 'off' set enable_hashjoin = 'off' set enable_mergejoin = 'off'
set enable_material = 'off' set join_collapse_limit = 1 set cpu_tuple_cost = 1000 as $$
#variable_conflict use_column
declare
    v_found constant record := onceflow.find_version(p_workflow, p_version);
    v_version constant onceflow.workflow_version := v_found.o_version;
    v_now timestamptz := onceflow.now();
    -- The id of each item, null where it is invalid; in v_own also where its key names another instance.
    v_ids uuid[];
    v_own uuid[];
    v_errors jsonb[];
    v_started uuid[];
    -- Each valid item has started an instance of its own: nothing was there before.
    v_all boolean;
    v_postponed onceflow.change[] := '{}';
begin
    perform onceflow.require_read_committed();
    select c.o_ids, c.o_errors into v_ids, v_errors from onceflow.check_starts(
        p_inputs, p_keys, p_ids, v_version.input_checks) c;
    if p_start_at is not null then
        select c.o_ids, c.o_errors into v_ids, v_errors from onceflow.check_start_times(
            p_start_at, v_ids, v_errors, v_now) c;
    end if;
    if v_found.o_disabled_at is not null then
        select c.o_ids, c.o_errors into v_ids, v_errors from onceflow.refuse_starts(
            v_version.workflow_id, v_found.o_disabled_at, p_keys, v_ids, v_errors) c;
    end if;

    insert into onceflow.idempotency_key (workflow_id, key, input_hash, instance_id)
    select distinct on (k.key) v_version.workflow_id, k.key,
        sha256(convert_to(k.input::text, 'UTF8')), k.id
    from unnest(p_keys, p_inputs, v_ids) with ordinality k (key, input, id, n)
    where k.key is not null and k.id is not null
    order by k.key, k.n
    on conflict do nothing;

    -- In a statement of its own, so that the keys of others are seen that the insert waited for.
    with item as (
        select k.n, k.input, case when i.instance_id is null or i.instance_id = k.id then k.id end as id
        from unnest(p_keys, p_inputs, v_ids) with ordinality k (key, input, id, n)
        left join onceflow.idempotency_key i on i.workflow_id = v_version.workflow_id and i.key = k.key
    ), started as (
        insert into onceflow.instance (id, version_id, state, input, started_at, deadline_at)
        select k.id, v_version.id, 'RUNNING', k.input, v_now, v_now + v_version.deadline
        from item k where k.id is not null order by k.id, k.n
        on conflict do nothing returning id
    )
    select array(select k.id from item k order by k.n), array(select s.id from started s order by s.id)
    into v_own, v_started;
    v_all := cardinality(v_started) = cardinality(array_remove(v_ids, null));
    if v_version.search is not null then
        perform onceflow.index_inputs(v_version, v_started);
    end if;

    if p_start_at is not null then
        v_postponed := onceflow.postpone_starts(v_version, v_started, v_own, p_start_at, v_now);
    end if;

    perform onceflow.finish_transition(v_started, (onceflow.advance_instances(v_started,
        v_postponed || array(
            select onceflow.instance_change(u.id, null, 'RUNNING', p_seq => 1)
            from unnest(v_started) u (id)),
        '{}', array(
            select onceflow.placed_task(u.id, s.step, 0, 0, v_version.id, 1, 'RUNNING')
            from unnest(v_started) u (id)
            join onceflow.step s
                on s.version_id = v_version.id and s.block is null and s.join_count = 0
                and s.kind not in ('compensation', 'undo')
            where u.id <> all (array(select c.instance_id from unnest(v_postponed) c))))).o_changes);

    if not v_all then
        perform onceflow.forget_keys(v_version.workflow_id, p_keys, v_ids);
    end if;

    return query
    select k.n::int, s.id, case
            when k.id is null then case k.error ->> 'code' when 'disabled' then 'disabled' else 'invalid' end
            when s.id = k.id and (v_all or k.id = any (v_started) and array_position(v_own, k.id) = k.n) then 'started'
            when (s.erased_at is not null or coalesce(i.input_hash, sha256(convert_to(s.input::text, 'UTF8')))
                    = sha256(convert_to(k.input::text, 'UTF8')))
                and exists (
                    select from onceflow.workflow_version v
                    where v.id = s.version_id and v.workflow_id = v_version.workflow_id) then 'exists'
            else 'conflict' end,
        s.state, k.error
    from unnest(p_keys, p_inputs, v_ids, v_errors) with ordinality k (key, input, id, error, n)
    left join onceflow.idempotency_key i on i.workflow_id = v_version.workflow_id and i.key = k.key and k.id is not null
    left join onceflow.instance s on s.id = coalesce(i.instance_id, k.id)
    order by k.n;
end $$;
revoke execute on function onceflow.start_instances(text, jsonb[], text[], int, uuid[], timestamptz[]) from public;
