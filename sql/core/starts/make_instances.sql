-- make_instances(workflows, versions, deadlines, inputs, keys, ids, triggers, scheduled at, now, parents, roots, traces)
--   -> own, started, versions, instance   (internal)
-- Makes the rows of instances that start, and of their keys, for start_items(). o_own: the id of each item, null where it is
-- invalid or where its key names another instance; o_started, o_versions: of those that were not there before, by id; o_instance: that
-- of a start that stands alone, by one insert. What sends a start away from that: others in its call, nothing to start, a key
-- that is taken, or an array that does not begin at 1.
create or replace function onceflow.make_instances(
    p_workflows bigint[], p_versions bigint[], p_deadlines interval[], p_inputs jsonb[], p_keys text[], p_ids uuid[],
    p_triggers text[], p_scheduled_at timestamptz[], p_now timestamptz, p_parents uuid[], p_roots uuid[], p_traces jsonb[],
    out o_own uuid[], out o_started uuid[], out o_versions bigint[], out o_instance onceflow.instance)
language plpgsql volatile as $$
declare
    -- One that is valid, and has no key or a fresh one, needs no look at others. Arrays may begin elsewhere than at 1.
    v_alone boolean := p_ids[1] is not null and concat(array_dims(p_ids), array_dims(p_inputs),
        coalesce(array_dims(p_keys), '[1:1]'), coalesce(array_dims(p_traces), '[1:1]')) = '[1:1][1:1][1:1][1:1]';
begin
    if p_keys is not null then
        insert into onceflow.idempotency_key (workflow_id, key, input_hash, instance_id)
        select distinct on (k.key, k.workflow) k.workflow, k.key,
            sha256(convert_to(k.input::text, 'UTF8')), k.id
        from unnest(p_workflows, p_keys, p_inputs, p_ids) with ordinality k (workflow, key, input, id, n)
        where k.key is not null and k.id is not null
        order by k.key, k.workflow, k.n
        on conflict do nothing;
        v_alone := v_alone and (found or p_keys[1] is null);
    end if;

    if v_alone then
        insert into onceflow.instance as i (id, version_id, state, input, started_at, deadline_at, trigger, scheduled_at,
            parent_id, root_id, trace)
        values (p_ids[1], p_versions[1], 'RUNNING', p_inputs[1], p_now, p_now + p_deadlines[1], p_triggers[1], p_scheduled_at[1],
            p_parents[1], p_roots[1], onceflow.read_trace(p_traces[1]))
        on conflict do nothing returning i.* into o_instance;
        o_own := p_ids;
        o_started := case when found then p_ids else '{}' end;
        o_versions := case when found then p_versions else '{}' end;
    else
        -- In a statement of its own, so that the keys of others are seen that the insert waited for.
        with item as (
            select k.n, k.version, k.deadline, k.input, k.trigger, k.scheduled_at, k.parent, k.root, k.trace,
                case when i.instance_id is null or i.instance_id = k.id then k.id end as id
            from unnest(p_workflows, p_versions, p_deadlines, p_keys, p_inputs, p_ids, p_triggers, p_scheduled_at,
                p_parents, p_roots, p_traces)
                with ordinality k (workflow, version, deadline, key, input, id, trigger, scheduled_at, parent, root, trace, n)
            left join onceflow.idempotency_key i on i.workflow_id = k.workflow and i.key = k.key
        ), started as (
            insert into onceflow.instance (id, version_id, state, input, started_at, deadline_at, trigger, scheduled_at,
                parent_id, root_id, trace)
            select k.id, k.version, 'RUNNING', k.input, p_now, p_now + k.deadline, k.trigger, k.scheduled_at,
                k.parent, k.root, case when k.trace is not null then onceflow.read_trace(k.trace) end
            from item k where k.id is not null order by k.id, k.n
            on conflict do nothing returning id, version_id
        )
        select array(select k.id from item k order by k.n), array(select s.id from started s order by s.id),
            array(select s.version_id from started s order by s.id)
        into o_own, o_started, o_versions;
    end if;
end $$;
revoke execute on function onceflow.make_instances(
    bigint[], bigint[], interval[], jsonb[], text[], uuid[], text[], timestamptz[], timestamptz, uuid[], uuid[], jsonb[]) from public;
