-- evaluate_records(workflow, trigger, spec, topic, ids, records, reasons) -> (runs, inputs, keys, errors)   (internal)
-- What the expressions of a topic's trigger give for each record: whether it starts something, with which input and
-- idempotency key, or an error {code, message}. Nothing is evaluated of a record that has a reason why it cannot be read,
-- which is its error, nor of one that is null. A key is a string or a number,
-- and is told from those of other triggers, and of clients, by the trigger's name before it. An expression that is too slow fails for its
-- record alone, which is told by p_ids: try_evaluate().
-- Most keys are a path that gives one value, and most inputs the record's own value: these take no call each.
create or replace function onceflow.evaluate_records(
    p_workflow text, p_trigger text, p_spec jsonb, p_topic text, p_ids uuid[], p_records jsonb[], p_reasons text[],
    out o_runs boolean[], out o_inputs jsonb[], out o_keys text[], out o_errors jsonb[])
language plpgsql stable as $$
declare
    v_when constant jsonb := p_spec -> 'when';
    v_path constant jsonpath := case when p_spec -> 'key' ? 'p' and not p_spec -> 'key' ?| '{m,b,z}'
        then (p_spec #>> '{key,p}')::jsonpath end;
    v_value constant jsonb := '{"p": "strict $.value", "t": "$.value"}';
    -- What is evaluated record by record: null for nothing; of a key that is no such path it is input and key together.
    v_pair constant boolean := p_spec ? 'key' and v_path is null;
    v_tree constant jsonb := case
        when v_pair then jsonb_build_object('o', jsonb_build_object(
            'input', coalesce(p_spec -> 'input', v_value), 'key', p_spec -> 'key'))
        else coalesce(p_spec -> 'input', case when v_when is not null then v_value end) end;
begin
    select array_agg(r.runs order by r.n), array_agg(r.input order by r.n),
        array_agg(case when jsonb_typeof(r.key) in ('string', 'number')
            then p_trigger || '/' || (r.key #>> '{}') end order by r.n),
        array_agg(case
            when r.reason is not null then jsonb_build_object('code', 'unreadable', 'message', r.reason)
            when r.error is not null then r.error
            when not r.runs then null
            when p_spec ? 'key' and r.key is null then (onceflow.try_evaluate(null, p_spec -> 'key', r.seen)).error
            when jsonb_typeof(r.key) not in ('string', 'number') then jsonb_build_object(
                'code', 'invalid_key', 'message', format('the key is %s, and must be a string or a number',
                    case jsonb_typeof(r.key) when 'null' then 'null' when 'boolean' then 'true or false'
                        when 'array' then 'an array' else 'an object' end))
            when jsonb_typeof(r.input) = 'null' and not p_spec ? 'input' then jsonb_build_object(
                'code', 'invalid_input', 'message',
                'the record has no value; pass such records over by `when`, or give an `input`')
            end order by r.n)
    into o_runs, o_inputs, o_keys, o_errors
    from (
        select e.n, e.reason, e.seen, coalesce((e.given).runs, e.reason is null) as runs, (e.given).error as error,
            case when v_pair then (e.given).value -> 'input' when v_tree is null then e.seen -> 'value'
                else (e.given).value end as input,
            case when v_pair then (e.given).value -> 'key'
                when v_path is not null then jsonb_path_query_first(e.seen, v_path, '{}', true) end as key
        from (
            select s.*, case when v_tree is not null and s.seen is not null and s.reason is null
                then onceflow.try_evaluate(v_when, v_tree, s.seen) end as given
            from (
                select k.n, k.reason, case
                    when v_tree is null then k.record
                    when p_spec ? 'told' then onceflow.trigger_context(p_workflow, p_trigger,
                        format('%s/%s/%s', p_topic, k.record -> 'partition', k.record -> 'offset'), k.record)
                    else k.record end || case when v_tree is null then '{}'
                        else jsonb_build_object('instance', jsonb_build_object('id', k.id)) end as seen
                from unnest(p_ids, p_records, p_reasons) with ordinality k (id, record, reason, n)
                offset 0) s
            offset 0) e
        offset 0) r;
end $$;
revoke execute on function onceflow.evaluate_records(text, text, jsonb, text, uuid[], jsonb[], text[]) from public;
