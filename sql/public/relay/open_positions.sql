-- open_positions(workflow, trigger, topic, topic id, partitions) -> (partition, position, note)
-- From where a relay reads partitions of a trigger's topic: behind what has been taken. One that nothing was taken of is
-- read from its beginning, and so is that of a topic which was deleted and made anew: its id is another (empty where the
-- broker gives none). note: what is to be told of that, or null. Nothing where there is no such trigger.
-- Errors: WF005 where the topic had that id once, and has another now: who asks has read it before.
create or replace function onceflow.open_positions(
    p_workflow text, p_trigger text, p_topic text, p_topic_id text, p_partitions int[])
returns table (partition int, "position" bigint, note text)
language plpgsql volatile security definer set search_path = pg_catalog, pg_temp as $$
#variable_conflict use_column
declare
    v_trigger constant onceflow.trigger := (onceflow.find_topic_trigger(p_workflow, p_trigger, p_topic)).o_trigger;
begin
    perform onceflow.require_read_committed();
    if v_trigger.workflow_id is null then
        return;
    end if;
    insert into onceflow.topic_position (workflow_id, trigger, topic, partition, topic_id)
    select v_trigger.workflow_id, p_trigger, p_topic, u.part, p_topic_id
    from unnest(p_partitions) u (part)
    order by u.part
    on conflict do nothing;
    perform from onceflow.topic_position p
    where p.workflow_id = v_trigger.workflow_id and p.trigger = p_trigger and p.topic = p_topic
        and p.partition = any (p_partitions)
    order by p.partition for no key update;
    if exists (
        select from onceflow.topic_position p
        where p.workflow_id = v_trigger.workflow_id and p.trigger = p_trigger and p.topic = p_topic
            and p.partition = any (p_partitions) and p_topic_id = any (p.former_ids))
    then
        raise exception 'topic % is no longer the one with the id %', p_topic, quote_literal(p_topic_id)
            using errcode = 'WF005', hint = 'Ask the broker for its id again.';
    end if;
    return query
    with anew as (
        update onceflow.topic_position p
        set topic_id = p_topic_id, former_ids = p.former_ids || nullif(p.topic_id, ''), position = 0, log_end = null
        from onceflow.topic_position was
        where p.workflow_id = v_trigger.workflow_id and p.trigger = p_trigger and p.topic = p_topic
            and p.partition = any (p_partitions) and p.topic_id <> p_topic_id
            and (was.workflow_id, was.trigger, was.topic, was.partition) = (p.workflow_id, p.trigger, p.topic, p.partition)
        returning p.partition, was.position
    )
    select p.partition, case when a.partition is null then p.position else 0 end,
        case when a.position > 0 then format(
            'topic %s was deleted and made anew: partition %s, read up to %s, is read from its beginning',
            p_topic, p.partition, a.position) end
    from onceflow.topic_position p
    left join anew a on a.partition = p.partition
    where p.workflow_id = v_trigger.workflow_id and p.trigger = p_trigger and p.topic = p_topic
        and p.partition = any (p_partitions)
    order by p.partition;
end $$;
revoke execute on function onceflow.open_positions(text, text, text, text, int[]) from public;
