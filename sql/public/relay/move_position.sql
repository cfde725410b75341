-- move_position(workflow, trigger, topic, topic id, partition, from, to) -> boolean
-- Has a partition be read on from p_to, where the broker no longer has what stands at p_from. False where it does not
-- stand there, or the topic is another one.
create or replace function onceflow.move_position(
    p_workflow text, p_trigger text, p_topic text, p_topic_id text, p_partition int, p_from bigint, p_to bigint)
returns boolean
language plpgsql volatile security definer set search_path = pg_catalog, pg_temp as $$
begin
    update onceflow.topic_position p set position = p_to, log_end = null
    from onceflow.workflow w
    where w.name = p_workflow and p.workflow_id = w.id and p.trigger = p_trigger and p.topic = p_topic
        and p.partition = p_partition and p.topic_id = p_topic_id and p.position = p_from;
    return found;
end $$;
revoke execute on function onceflow.move_position(text, text, text, text, int, bigint, bigint) from public;
