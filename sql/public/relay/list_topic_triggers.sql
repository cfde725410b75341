-- list_topic_triggers() -> (workflow, trigger, topic, consumer group, format, takes, released)
-- What records of topics start: for relays, which read the topics. takes: neither is it paused nor its workflow disabled.
-- released: of its records that are in quarantine some are to be taken again.
create or replace function onceflow.list_topic_triggers()
returns table (workflow text, trigger text, topic text, consumer_group text, format text, takes boolean, released boolean)
language plpgsql stable security definer set search_path = pg_catalog, pg_temp as $$
#variable_conflict use_column
begin
    return query
    select w.name, t.trigger, t.spec ->> 'topic', t.spec ->> 'group', t.spec ->> 'format',
        t.paused_at is null and w.disabled_at is null,
        exists (select from onceflow.quarantine q
            where q.workflow = w.name and q.trigger = t.trigger and q.released_at is not null)
    from onceflow.trigger t
    join onceflow.workflow w on w.id = t.workflow_id
    where t.kind = 'kafka';
end $$;
revoke execute on function onceflow.list_topic_triggers() from public;
