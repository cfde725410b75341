-- start_items(workflows, versions, deadlines, search, inputs, keys, ids, errors, start at, triggers, scheduled at, now,
--   parents, roots, traces, labels)
--   -> (ordinal, instance_id, outcome, state, error)   (internal)
-- The one way in which instances start: of each item, as check_starts() has them, that of its version, which may be another
-- for each. One without an id starts nothing, and p_errors has why. p_search: whether a version has fields to be found by.
-- p_parents, p_roots: of those that steps of others start. p_traces: trace contexts, as read_trace() takes them. p_labels: as
-- label_starts() takes them; null where neither a version nor a caller gives any.
-- outcome: as start_instances() gives it.
create or replace function onceflow.start_items(
    p_workflows bigint[], p_versions bigint[], p_deadlines interval[], p_search boolean,
    p_inputs jsonb[], p_keys text[], p_ids uuid[], p_errors jsonb[],
    p_start_at timestamptz[], p_triggers text[], p_scheduled_at timestamptz[], p_now timestamptz,
    p_parents uuid[] default null, p_roots uuid[] default null, p_traces jsonb[] default null,
    p_labels jsonb[] default null)
returns table (ordinal int, instance_id uuid, outcome text, state text, error jsonb)
language plpgsql volatile as $$
#variable_conflict use_column
declare
    v_made record;
    v_own uuid[];
    v_started uuid[];
    -- Each valid item has started an instance of its own: nothing was there before.
    v_all boolean;
    v_postponed onceflow.change[] := '{}';
    v_due onceflow.placed_task[];
    v_changes onceflow.change[];
    v_alone boolean;
begin
    if p_labels is not null then
        select l.o_ids, l.o_errors, l.o_labels into p_ids, p_errors, p_labels from onceflow.label_starts(
            p_versions, p_inputs, p_labels, p_ids, p_errors, p_triggers, p_scheduled_at, p_parents, p_roots, p_now) l;
    end if;
    v_made := onceflow.make_instances(
        p_workflows, p_versions, p_deadlines, p_inputs, p_keys, p_ids, p_triggers, p_scheduled_at, p_now,
        p_parents, p_roots, p_traces);
    v_own := v_made.o_own;
    v_started := v_made.o_started;
    v_all := cardinality(v_started) = cardinality(array_remove(p_ids, null));
    if p_search or p_labels is not null then
        perform onceflow.index_inputs(v_started, v_own, p_labels);
    end if;
    if p_start_at is not null then
        v_postponed := onceflow.postpone_starts(v_started, v_own, p_start_at, p_now);
    end if;

    v_due := array(
        select onceflow.placed_task(u.id, s.step, 0, 0, u.version, 1, 'RUNNING')
        from unnest(v_started, v_made.o_versions) u (id, version)
        join onceflow.step s
            on s.version_id = u.version and s.block is null and s.join_count = 0 and s.is_forward
        where u.id <> all (array(select c.instance_id from unnest(v_postponed) c)));
    v_changes := v_postponed || array(
        select onceflow.instance_change(u.id, null, 'RUNNING', p_seq => 1) from unnest(v_started) u (id));
    -- One that begins with one step goes a shorter way, where nothing is special about that.
    v_alone := cardinality(v_due) = 1 and (v_made.o_instance).id is not null;
    if v_alone then
        v_alone := (onceflow.advance_alone(
            v_made.o_instance, (v_due[1]).step, (v_due[1]).step, v_changes[1], p_now, null, null, 0, 0)).o_moved;
    end if;
    if not v_alone then
        perform onceflow.finish_transition(
            v_started, (onceflow.advance_instances(v_started, v_changes, '{}', v_due)).o_changes);
    end if;

    if not v_all then
        perform onceflow.forget_keys(p_workflows, p_keys, p_ids);
    elsif v_alone then
        return query select 1, p_ids[1], 'started', 'RUNNING', null::jsonb;
        return;
    end if;

    return query
    select k.n::int, s.id, case
            when k.id is null then case k.error ->> 'code' when 'disabled' then 'disabled' else 'invalid' end
            when s.id = k.id and (v_all or k.id = any (v_started) and array_position(v_own, k.id) = k.n) then 'started'
            when (s.erased_at is not null or coalesce(i.input_hash, sha256(convert_to(s.input::text, 'UTF8')))
                    = sha256(convert_to(k.input::text, 'UTF8')))
                and exists (
                    select from onceflow.workflow_version v
                    where v.id = s.version_id and v.workflow_id = k.workflow) then 'exists'
            else 'conflict' end,
        s.state, k.error
    from unnest(p_workflows, p_keys, p_inputs, p_ids, p_errors) with ordinality k (workflow, key, input, id, error, n)
    left join onceflow.idempotency_key i on i.workflow_id = k.workflow and i.key = k.key and k.id is not null
    left join onceflow.instance s on s.id = coalesce(i.instance_id, k.id)
    order by k.n;
end $$;
revoke execute on function onceflow.start_items(
    bigint[], bigint[], interval[], boolean, jsonb[], text[], uuid[], jsonb[], timestamptz[], text[], timestamptz[],
    timestamptz, uuid[], uuid[], jsonb[], jsonb[]) from public;
