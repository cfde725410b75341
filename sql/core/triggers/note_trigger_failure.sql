-- note_trigger_failure(workflow, trigger, code, message, key, times) -> void   (internal)
-- Notes what a trigger heard and could make nothing of, beside others of the same words: of each trigger the last fifty,
-- whoever sends what and how often.
create or replace function onceflow.note_trigger_failure(
    p_workflow_id bigint, p_trigger text, p_code text, p_message text, p_key text, p_times bigint default 1) returns void
language plpgsql volatile as $$
declare
    v_code constant text := left(coalesce(p_code, 'failed'), 100);
    v_message constant text := left(coalesce(p_message, ''), 1000);
    v_key constant text := left(p_key, 255);
    v_now constant timestamptz := onceflow.now();
begin
    -- One after the other, so that each finds what the one before it has noted.
    perform from onceflow.trigger t
    where t.workflow_id = p_workflow_id and t.trigger = p_trigger for no key update;
    if not found then
        return;
    end if;
    update onceflow.trigger_failure f
    set times = f.times + p_times, last_at = v_now, key = v_key
    where f.workflow_id = p_workflow_id and f.trigger = p_trigger and f.code = v_code and f.message = v_message;
    if not found then
        insert into onceflow.trigger_failure (workflow_id, trigger, code, message, key, times, first_at, last_at)
        values (p_workflow_id, p_trigger, v_code, v_message, v_key, p_times, v_now, v_now);
        delete from onceflow.trigger_failure f
        where f.workflow_id = p_workflow_id and f.trigger = p_trigger and f.id in (
            select o.id from onceflow.trigger_failure o
            where o.workflow_id = p_workflow_id and o.trigger = p_trigger
            order by o.last_at desc, o.id desc offset 50);
    end if;
end $$;
revoke execute on function onceflow.note_trigger_failure(bigint, text, text, text, text, bigint) from public;
