-- register_workflow(compiled) -> (workflow_id, name, version, created)
-- Stores a definition as compiled by `onceflow deploy` or the API. The definition of the latest
-- version again, its branches in the same order, gives that version (created is false); anything else makes
-- the next one.
-- Errors: WF007 where Postgres refuses one of its paths, or where it needs Kafka and messages do not travel over
-- it: refuse_kafka(); nothing is stored then.
create or replace function onceflow.register_workflow(p_compiled jsonb)
returns table (workflow_id bigint, name text, version int, created boolean)
language plpgsql volatile security definer set search_path = pg_catalog, pg_temp as $$
#variable_conflict use_column
declare
    v_workflow_id bigint;
    v_latest onceflow.workflow_version;
    v_version_id bigint;
    v_number int;
    v_fault text;
begin
    v_fault := onceflow.payload_fault(p_compiled, 16777216);
    if v_fault is not null then
        raise exception 'the definition cannot be kept: %', v_fault using errcode = 'WF007',
            hint = 'Split the workflow, and write long numbers as strings.';
    end if;
    perform onceflow.refuse_paths(p_compiled);
    perform onceflow.refuse_kafka(p_compiled);

    insert into onceflow.workflow (name) values (p_compiled ->> 'name') on conflict (name) do nothing;
    select w.id into v_workflow_id from onceflow.workflow w where w.name = p_compiled ->> 'name' for no key update;
    select * into v_latest from onceflow.workflow_version v
    where v.workflow_id = v_workflow_id order by v.version desc limit 1;
    if v_latest.definition = p_compiled -> 'definition' and not exists (
        -- The order of branches, which jsonb does not keep.
        select from jsonb_to_recordset(p_compiled -> 'steps') s (step text, spec jsonb)
        join onceflow.step k on k.version_id = v_latest.id and k.step = s.step
        where k.spec -> 'position' <> s.spec -> 'position') then
        return query select v_workflow_id, p_compiled ->> 'name', v_latest.version, false;
        return;
    end if;

    insert into onceflow.workflow_version (workflow_id, version, definition, input_schema,
        input_checks, input_unchecked, signals, on_failure, deadline, search, labels, blocks, returns)
    values (v_workflow_id, coalesce(v_latest.version, 0) + 1, p_compiled -> 'definition',
        nullif(p_compiled -> 'input_schema', 'null'), nullif(p_compiled -> 'input_checks', 'null'),
        nullif(array(select jsonb_array_elements_text(p_compiled -> 'input_unchecked')), '{}'),
        nullif(p_compiled -> 'signals', 'null'),
        p_compiled ->> 'on_failure', make_interval(secs => (p_compiled ->> 'deadline')::float8),
        (select array_agg(f) from jsonb_array_elements_text(p_compiled -> 'search') f), nullif(p_compiled -> 'labels', 'null'),
        jsonb_path_exists(p_compiled, '$.steps[*].block ? (@ <> null)') or jsonb_path_exists(p_compiled, '$.edges[*].again'),
        jsonb_path_exists(p_compiled, '$.steps[*].kind ? (@ == "return")'))
    returning id, workflow_version.version into v_version_id, v_number;

    insert into onceflow.step (version_id, step, kind, block, list, join_count, spec, workflow, version)
    select v_version_id, s.step, s.kind, s.block, s.list, s.join_count, s.spec, p_compiled ->> 'name', v_number
    from jsonb_to_recordset(p_compiled -> 'steps' || case when p_compiled ->> 'output' is null then '[]' else
        jsonb_build_array(jsonb_build_object('step', 'workflow.output', 'kind', 'set', 'join_count', 1, 'spec',
            jsonb_build_object('with', p_compiled -> 'output', 'reads', p_compiled -> 'output_reads',
                'told', p_compiled -> 'output_told'))) end)
        s (step text, kind text, block text, list int, join_count int, spec jsonb);
    insert into onceflow.edge (version_id, from_step, to_step, kind, join_count)
    select v_version_id, e."from", e."to", e.kind, case when e.again then 0 else s.join_count end
    from jsonb_to_recordset(p_compiled -> 'edges') e ("from" text, "to" text, kind text, again boolean)
    join onceflow.step s on s.version_id = v_version_id and s.step = e."to";
    insert into onceflow.queue (name)
    select distinct coalesce(s.spec ->> 'queue', 'default') as queue
    from onceflow.step s where s.version_id = v_version_id
    order by queue
    on conflict do nothing;
    perform onceflow.put_triggers(v_workflow_id, v_version_id, p_compiled -> 'triggers');
    perform onceflow.record_audit('register_workflow', 'workflow', array[p_compiled ->> 'name'],
        p_before => array[case when v_number > 1 then jsonb_build_object('version', v_number - 1) end],
        p_after => array[jsonb_build_object('version', v_number)]);
    return query select v_workflow_id, p_compiled ->> 'name', v_number, true;
end $$;
revoke execute on function onceflow.register_workflow(jsonb) from public;
