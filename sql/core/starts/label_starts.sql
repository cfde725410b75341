-- label_starts(versions, inputs, labels, ids, errors, triggers, scheduled at, parents, roots, now)
--   -> (ids, errors, labels)   (internal)
-- The labels of each item of a start, as start_items() has them: what the `labels` of its version give over its input and
-- $.instance, and over these what its caller gave, p_labels ('{}' where callers give none). One whose labels cannot be
-- told, or are none, gets no id, and an error with the code `labels`: it starts nothing.
create or replace function onceflow.label_starts(
    p_versions bigint[], p_inputs jsonb[], p_labels jsonb[], p_ids uuid[], p_errors jsonb[], p_triggers text[],
    p_scheduled_at timestamptz[], p_parents uuid[], p_roots uuid[], p_now timestamptz,
    out o_ids uuid[], out o_errors jsonb[], out o_labels jsonb[])
language plpgsql stable as $$
begin
    select array_agg(case when k.fault is null then k.id end order by k.n),
        array_agg(coalesce(k.error, case when k.fault is not null then jsonb_build_object('code', 'labels',
            'message', 'labels' || (k.fault ->> 'place') || ': ' || (k.fault ->> 'message'), 'faults', array[k.fault]) end)
            order by k.n),
        array_agg(case when k.fault is null then k.labels end order by k.n)
    into o_ids, o_errors, o_labels
    from (
        select k.n, k.id, k.error, m.labels, case when k.id is not null then coalesce(
            case when k.given is not null then onceflow.label_fault(k.given) end,
            case when e.error is not null then jsonb_build_object('place', '', 'message',
                'those of the definition cannot be told: ' || (e.error ->> 'message')) end,
            onceflow.label_fault(m.labels)) end as fault
        from unnest(p_versions, p_inputs, p_labels, p_ids, p_errors, p_triggers, p_scheduled_at, p_parents, p_roots)
            with ordinality k (version, input, given, id, error, trigger, scheduled_at, parent, root, n)
        join onceflow.workflow_version v on v.id = k.version
        join onceflow.workflow w on w.id = v.workflow_id
        cross join lateral onceflow.try_evaluate(null, case when k.id is not null then v.labels end, jsonb_build_object(
            'input', k.input,
            'instance', jsonb_build_object('id', k.id, 'workflow', w.name, 'version', v.version, 'started_at', p_now,
                'trigger', k.trigger, 'scheduled_at', onceflow.exact_time(k.scheduled_at),
                'parent', k.parent, 'root', coalesce(k.root, k.id)),
            '@now', onceflow.exact_time(p_now), '@task', k.id || '/labels')) e
        cross join lateral (
            select jsonb_strip_nulls(coalesce(e.value, '{}') || case
                when jsonb_typeof(k.given) = 'object' then k.given else '{}' end) as labels) m) k;
end $$;
revoke execute on function onceflow.label_starts(
    bigint[], jsonb[], jsonb[], uuid[], jsonb[], text[], timestamptz[], uuid[], uuid[], timestamptz) from public;
