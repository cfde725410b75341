-- start_instances(workflow, inputs, keys, version) -> (ordinal, instance_id, outcome, state)
-- Starts an instance for each input, of the latest version unless one is given. p_keys are
-- idempotency keys (null for none): one key starts one instance, whoever sends it and however often.
-- outcome: started | exists (the key's instance) | conflict (the key came with another input; nothing
--   was started, instance_id is the key's).
-- Errors: WF001 no such workflow or version · WF002 arrays that differ, an input that is no object.
create or replace function onceflow.start_instances(
    p_workflow text, p_inputs jsonb[], p_keys text[] default null, p_version int default null)
returns table (ordinal int, instance_id uuid, outcome text, state text)
language plpgsql volatile security definer set search_path = '' as $$
#variable_conflict use_column
declare
    v_version onceflow.workflow_version := onceflow.find_version(p_workflow, p_version);
    v_now timestamptz := onceflow.now();
    -- An id for each input; where a key has one already, it is replaced below.
    v_ids uuid[] := array(select onceflow.uuid7() from unnest(p_inputs));
    v_started uuid[];
    v_due onceflow.due_task[];
begin
    perform onceflow.require_read_committed();
    perform onceflow.require_inputs(p_inputs, p_keys);

    insert into onceflow.idempotency_key (workflow_id, key, input_hash, instance_id)
    select distinct on (k.key) v_version.workflow_id, k.key,
        sha256(convert_to(p_inputs[k.n::int]::text, 'UTF8')), v_ids[k.n::int]
    from unnest(p_keys) with ordinality k (key, n)
    where k.key is not null
    order by k.key, k.n
    on conflict do nothing;

    -- In a statement of its own, so that the keys of others are seen that the insert waited for.
    v_started := array(
        select v_ids[k.n::int]
        from generate_subscripts(p_inputs, 1) k (n)
        left join onceflow.idempotency_key i
            on i.workflow_id = v_version.workflow_id and i.key = p_keys[k.n::int]
        where i.instance_id is null or i.instance_id = v_ids[k.n::int]);

    insert into onceflow.instance (id, version_id, state, input, started_at, deadline_at)
    select u.id, v_version.id, 'RUNNING', p_inputs[u.n::int], v_now, v_now + v_version.deadline
    from unnest(v_started) s (id)
    join unnest(v_ids) with ordinality u (id, n) using (id);

    v_due := array(
        select row(u.id, s.step, 0, 0, false)::onceflow.due_task
        from unnest(v_started) u (id)
        join onceflow.step s on s.version_id = v_version.id and s.kind = 'task' and s.join_count = 0);
    perform onceflow.record_changes(array(
            select row(u.id, null, null, null, null, null, 'RUNNING', 0, null, null, null)::onceflow.change
            from unnest(v_started) u (id))
        || onceflow.advance_instances('{}', v_due));

    return query
    select k.n::int, coalesce(i.instance_id, v_ids[k.n::int]), case
            when coalesce(i.instance_id, v_ids[k.n::int]) = v_ids[k.n::int] then 'started'
            when i.input_hash = sha256(convert_to(p_inputs[k.n::int]::text, 'UTF8')) then 'exists'
            else 'conflict' end,
        n.state
    from generate_subscripts(p_inputs, 1) k (n)
    left join onceflow.idempotency_key i
        on i.workflow_id = v_version.workflow_id and i.key = p_keys[k.n::int]
    left join onceflow.instance n on n.id = coalesce(i.instance_id, v_ids[k.n::int])
    order by k.n;
end $$;
revoke execute on function onceflow.start_instances(text, jsonb[], text[], int) from public;
