-- note_webhook_refusals(workflow, trigger, code, message, times) -> whether there is such a webhook
-- Counts requests of a webhook that were not taken for its sender's: nothing else of them is kept. Who receives them
-- calls this about once a minute, however many there are.
create or replace function onceflow.note_webhook_refusals(
    p_workflow text, p_trigger text, p_code text, p_message text, p_times bigint) returns boolean
language plpgsql volatile security definer set search_path = pg_catalog, pg_temp as $$
declare
    v_workflow_id bigint;
begin
    select t.workflow_id into v_workflow_id
    from onceflow.workflow w
    join onceflow.trigger t on t.workflow_id = w.id and t.trigger = p_trigger and t.kind = 'webhook'
    where w.name = p_workflow;
    if not found then
        return false;
    end if;
    perform onceflow.note_trigger_failure(
        v_workflow_id, p_trigger, p_code, p_message, null, greatest(least(p_times, 1000000000), 1));
    return true;
end $$;
revoke execute on function onceflow.note_webhook_refusals(text, text, text, text, bigint) from public;
