-- evaluate_records(workflow, trigger, spec, topic, ids, records, reasons) -> (runs, inputs, keys, errors)   (internal)
-- What the expressions of a topic's trigger give for each record: whether it starts something, with which input and
-- idempotency key, or an error {code, message}. Nothing is evaluated of a record that has a reason why it cannot be read,
-- which is its error, nor of one that is null. A key is a string or a number,
-- and is told from those of other triggers, and of clients, by the trigger's name before it. Of a trigger that sends events these are
-- the payload and the key of the event. An expression that is too slow fails for its record alone, which is told by p_ids: try_evaluate().
-- Most expressions are paths that give one value, or objects of such: these are evaluated for all records at once. Of a record in
-- which one of them finds nothing, and of other expressions, try_evaluate() has the value, or what is wrong.
create or replace function onceflow.evaluate_records(
    p_workflow text, p_trigger text, p_spec jsonb, p_topic text, p_ids uuid[], p_records jsonb[], p_reasons text[],
    out o_runs boolean[], out o_inputs jsonb[], out o_keys text[], out o_errors jsonb[])
language plpgsql stable as $$
declare
    v_sends constant boolean := p_spec ? 'event';
    v_given constant jsonb := p_spec -> case when v_sends then 'payload' else 'input' end;
    v_input constant jsonb := coalesce(v_given, '{"p": "strict $.value", "t": "$.value"}');
    v_tree constant jsonb := jsonb_build_object('o', jsonb_strip_nulls(jsonb_build_object('key', p_spec -> 'key'))
        || jsonb_build_object('input', v_input));
    v_when constant jsonpath := p_spec #>> '{when,p}';
    v_key constant jsonpath := p_spec #>> '{key,p}';
    -- The input as one path, or by its members, each a path or a value.
    v_path constant jsonpath := v_input ->> 'p';
    v_names text[];
    v_paths jsonpath[];
    v_values jsonb[];
    v_plain constant boolean := coalesce(current_setting('onceflow.late', true), '') = '' and not p_spec ? 'told'
        and (not p_spec ? 'when' or onceflow.is_plain(p_spec -> 'when', true))
        and (not p_spec ? 'key' or onceflow.is_plain(p_spec -> 'key', false))
        and (onceflow.is_plain(v_input, false) or v_input ? 'o' and not exists (
            select from jsonb_each(v_input -> 'o') m where not (m.value ? 'v' or onceflow.is_plain(m.value, false))));
begin
    select array_agg(m.key), array_agg((m.value ->> 'p')::jsonpath), array_agg(m.value -> 'v')
    into v_names, v_paths, v_values
    from jsonb_each(v_input -> 'o') m;

    select array_agg(r.runs order by r.n), array_agg(r.input order by r.n),
        array_agg(case when v_sends then r.key #>> '{}' when jsonb_typeof(r.key) in ('string', 'number')
            then p_trigger || '/' || (r.key #>> '{}') end order by r.n),
        array_agg(case
            when r.reason is not null then jsonb_build_object('code', 'unreadable', 'message', r.reason)
            when r.error is not null then r.error
            when not r.runs then null
            when v_sends and jsonb_typeof(r.key) = 'boolean' then null
            when p_spec ? 'key' and jsonb_typeof(r.key) not in ('string', 'number') then jsonb_build_object(
                'code', 'invalid_key', 'message', format('the key is %s, and must be %s',
                    case jsonb_typeof(r.key) when 'null' then 'null' when 'boolean' then 'true or false'
                        when 'array' then 'an array' else 'an object' end,
                    case when v_sends then 'a string, a number or a boolean' else 'a string or a number' end))
            when jsonb_typeof(r.input) = 'null' and v_given is null and not v_sends then jsonb_build_object(
                'code', 'invalid_input', 'message',
                'the record has no value; pass such records over by `when`, or give an `input`')
            end order by r.n)
    into o_runs, o_inputs, o_keys, o_errors
    from (
        select e.n, e.reason, (e.given).error as error,
            coalesce((e.given).runs, e.holds is null or e.holds not in ('false', 'null')) and e.reason is null as runs,
            case when e.given is null then e.input else (e.given).value -> 'input' end as input,
            case when e.given is null then e.key else (e.given).value -> 'key' end as key
        from (
            select q.*, case when q.record is null or q.reason is not null or v_plain
                    and (v_when is null or q.holds <> 'null' or q.holds is not null and p_spec #> '{when,b}' is null)
                    and (q.holds in ('false', 'null') or (v_key is null or q.key is not null)
                        -- Nothing that is larger than what it was made of: try_evaluate() refuses what cannot be kept.
                        and pg_column_size(q.input) <= 2 * pg_column_size(q.record) + 1000)
                then null else onceflow.try_evaluate(p_spec -> 'when', v_tree, case
                    when p_spec ? 'told' then onceflow.trigger_context(p_workflow, p_trigger,
                        format('%s/%s/%s', p_topic, q.record -> 'partition', q.record -> 'offset'), q.record)
                    else q.record end || jsonb_build_object('instance', jsonb_build_object('id', q.id))) end as given
            from (
                select k.*, case when v_plain then jsonb_path_query_first(k.record, v_when, '{}', true) end as holds,
                    case when v_plain then jsonb_path_query_first(k.record, v_key, '{}', true) end as key,
                    case when not v_plain or k.reason is not null then null
                        when v_names is null then jsonb_path_query_first(k.record, v_path, '{}', true)
                        when cardinality(v_names) * pg_column_size(k.record)::bigint <= 67108864 then (
                            select case when bool_and(m.value is not null) then jsonb_object_agg(m.name, m.value) end
                            from (
                                select m.name, coalesce(m.value, jsonb_path_query_first(k.record, m.path, '{}', true)) as value
                                from unnest(v_names, v_paths, v_values) m (name, path, value) offset 0) m) end as input
                from unnest(p_ids, p_records, p_reasons) with ordinality k (id, record, reason, n)
                offset 0) q
            offset 0) e
        offset 0) r;
end $$;
revoke execute on function onceflow.evaluate_records(text, text, jsonb, text, uuid[], jsonb[], text[]) from public;
