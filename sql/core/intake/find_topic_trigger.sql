-- find_topic_trigger(workflow, trigger, topic) -> trigger, takes   (internal)
-- The trigger that a topic's records start instances by, and whether it takes any now: neither is it paused nor its
-- workflow disabled. Null where there is none, or none of this topic.
create or replace function onceflow.find_topic_trigger(
    p_workflow text, p_trigger text, p_topic text, out o_trigger onceflow.trigger, out o_takes boolean)
language plpgsql stable as $$
declare
    v_found record;
begin
    select t as trigger, t.paused_at is null and w.disabled_at is null as takes into v_found
    from onceflow.workflow w
    join onceflow.trigger t on t.workflow_id = w.id and t.trigger = p_trigger and t.kind = 'kafka'
    where w.name = p_workflow and t.spec ->> 'topic' = p_topic;
    o_trigger := v_found.trigger;
    o_takes := coalesce(v_found.takes, false);
end $$;
revoke execute on function onceflow.find_topic_trigger(text, text, text) from public;
