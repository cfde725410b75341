-- note_topic(workflow, trigger, topic, problem, partitions, ends) -> void
-- Keeps what a relay has seen of a trigger's topic: what is wrong with it (null or empty: nothing), and where the logs of
-- partitions end. Writes nothing where all is as it was.
create or replace function onceflow.note_topic(
    p_workflow text, p_trigger text, p_topic text, p_problem text, p_partitions int[], p_ends bigint[])
returns void
language plpgsql volatile security definer set search_path = pg_catalog, pg_temp as $$
declare
    v_trigger constant onceflow.trigger := (onceflow.find_topic_trigger(p_workflow, p_trigger, p_topic)).o_trigger;
begin
    update onceflow.trigger t set problem = left(nullif(p_problem, ''), 1000)
    where t.workflow_id = v_trigger.workflow_id and t.trigger = p_trigger
        and t.problem is distinct from left(nullif(p_problem, ''), 1000);
    -- In order: two relays may tell of the same ones.
    perform from onceflow.topic_position p
    join unnest(p_partitions, p_ends) k (part, log_end) on k.part = p.partition and p.log_end is distinct from k.log_end
    where p.workflow_id = v_trigger.workflow_id and p.trigger = p_trigger and p.topic = p_topic
    order by p.partition for no key update of p;
    update onceflow.topic_position p set log_end = k.log_end
    from unnest(p_partitions, p_ends) k (part, log_end)
    where p.workflow_id = v_trigger.workflow_id and p.trigger = p_trigger and p.topic = p_topic and p.partition = k.part
        and p.log_end is distinct from k.log_end;
end $$;
revoke execute on function onceflow.note_topic(text, text, text, text, int[], bigint[]) from public;
