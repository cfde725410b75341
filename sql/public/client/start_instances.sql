-- start_instances(workflow, inputs, keys, version) -> (ordinal, instance_id, outcome, state)
-- Starts an instance for each input, of the latest version unless one is given. p_keys are
-- idempotency keys (null for none): one key starts one instance, whoever sends it and however often.
-- outcome: started | exists (the key's instance) | conflict (the key came with another input; nothing
--   was started, instance_id is the key's).
-- Errors: WF001 no such workflow or version · WF002 arrays that differ, an input that is no object.
create or replace function onceflow.start_instances(
    p_workflow text, p_inputs jsonb[], p_keys text[] default null, p_version int default null)
returns table (ordinal int, instance_id uuid, outcome text, state text)
language plpgsql volatile security definer set search_path = pg_catalog, pg_temp
set plan_cache_mode = 'force_generic_plan' set jit = 'off' set max_parallel_workers_per_gather = 0
set enable_seqscan = 'off' set enable_hashjoin = 'off' set enable_mergejoin = 'off'
set enable_material = 'off' set join_collapse_limit = 1 set cpu_tuple_cost = 1000 as $$
#variable_conflict use_column
declare
    v_version onceflow.workflow_version := onceflow.find_version(p_workflow, p_version);
    v_now timestamptz := onceflow.now();
    -- An id for each input, in order; one whose key has an instance already is not used.
    v_ids uuid[] := array(select onceflow.uuid7() as id from unnest(p_inputs) order by id);
    v_started uuid[];
begin
    perform onceflow.require_read_committed();
    perform onceflow.require_inputs(p_inputs, p_keys);

    insert into onceflow.idempotency_key (workflow_id, key, input_hash, instance_id)
    select distinct on (k.key) v_version.workflow_id, k.key,
        sha256(convert_to(k.input::text, 'UTF8')), k.id
    from unnest(p_keys, p_inputs, v_ids) with ordinality k (key, input, id, n)
    where k.key is not null
    order by k.key, k.n
    on conflict do nothing;

    -- In a statement of its own, so that the keys of others are seen that the insert waited for.
    with started as (
        insert into onceflow.instance (id, version_id, state, input, started_at, deadline_at)
        select k.id, v_version.id, 'RUNNING', k.input, v_now, v_now + v_version.deadline
        from unnest(p_keys, p_inputs, v_ids) k (key, input, id)
        left join onceflow.idempotency_key i
            on i.workflow_id = v_version.workflow_id and i.key = k.key
        where i.instance_id is null or i.instance_id = k.id
        returning id
    )
    select array(select s.id from started s order by s.id) into v_started;

    perform onceflow.finish_transition(v_started,
        array(
            select onceflow.instance_change(u.id, null, 'RUNNING', p_seq => 1)
            from unnest(v_started) u (id))
        || (onceflow.advance_instances(v_started, '{}', array(
            select onceflow.placed_task(u.id, s.step, 0, 0, v_version.id, 1, 'RUNNING')
            from unnest(v_started) u (id)
            join onceflow.step s
                on s.version_id = v_version.id and s.kind = 'task' and s.join_count = 0))).o_changes);

    return query
    select k.n::int, coalesce(i.instance_id, k.id), case
            when i.instance_id is null or i.instance_id = k.id then 'started'
            when i.input_hash = sha256(convert_to(k.input::text, 'UTF8')) then 'exists'
            else 'conflict' end,
        s.state
    from unnest(p_keys, p_inputs, v_ids) with ordinality k (key, input, id, n)
    left join onceflow.idempotency_key i
        on i.workflow_id = v_version.workflow_id and i.key = k.key
    left join onceflow.instance s on s.id = coalesce(i.instance_id, k.id)
    order by k.n;
end $$;
revoke execute on function onceflow.start_instances(text, jsonb[], text[], int) from public;
