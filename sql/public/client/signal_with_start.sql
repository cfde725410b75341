-- signal_with_start(workflow, input, key, name, payload, signal key, version, id, start at, trace, labels)
--   -> (instance_id, outcome, state, error, signal, task, detail, faults)
-- Starts an instance as start_instances() does, or finds that of the key or id, and sends it a signal as send_signals() does: in
-- one transaction, so there is none without its signal. A repetition does no harm where p_signal_key is given, and p_key or p_id.
-- outcome, error: as start_instances(); state: as it is then. signal, task, detail, faults: what became of the signal, as
--   send_signals() tells; null where there is no instance to send it to. One that exists may refuse it (ended, full, conflict, invalid).
-- Errors: WF001 no such workflow or version · WF002 it would be started, and does not take the signal: nothing was started · WF004.
create or replace function onceflow.signal_with_start(
    p_workflow text, p_input jsonb, p_key text, p_name text, p_payload jsonb, p_signal_key text default null,
    p_version int default null, p_id uuid default null, p_start_at timestamptz default null, p_trace jsonb default null,
    p_labels jsonb default null)
returns table (instance_id uuid, outcome text, state text, error jsonb, signal text, task text, detail text, faults jsonb)
language plpgsql volatile security definer set search_path = pg_catalog, pg_temp as $$
#variable_conflict use_column
declare
    v_started record;
    v_sent record;
begin
    select s.* into v_started
    from onceflow.start_instances(p_workflow, array[p_input], array[p_key], p_version,
        case when p_id is not null then array[p_id] end, case when p_start_at is not null then array[p_start_at] end,
        case when p_trace is not null then array[p_trace] end,
        case when p_labels is not null then array[p_labels] end) s;
    if v_started.outcome not in ('started', 'exists') then
        return query select v_started.instance_id, v_started.outcome, v_started.state, v_started.error,
            null, null, null, null::jsonb;
        return;
    end if;
    select s.* into v_sent
    from onceflow.send_signals(array[v_started.instance_id], array[p_name], array[p_payload], array[p_signal_key]) s;
    if v_started.outcome = 'started' and v_sent.outcome <> 'accepted' then
        raise exception 'the signal cannot be sent, and nothing was started: %', v_sent.detail
            using errcode = 'WF002', hint = 'Mend the signal and call again.';
    end if;
    return query
    select v_started.instance_id, v_started.outcome, i.state, v_started.error,
        v_sent.outcome, v_sent.task, v_sent.detail, v_sent.faults
    from onceflow.instance i
    where i.id = v_started.instance_id;
end $$;
revoke execute on function onceflow.signal_with_start(
    text, jsonb, text, text, jsonb, text, int, uuid, timestamptz, jsonb, jsonb) from public;
