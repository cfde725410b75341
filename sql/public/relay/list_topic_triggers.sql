-- list_topic_triggers() -> (workflow, trigger, topic, consumer group, format, takes, released, is checked)
-- What records of topics start: for relays, which read the topics. takes: neither is it paused nor its workflow disabled.
-- released: of its records that are in quarantine some are to be taken again. is_checked: Postgres checks only a part of the
-- schema of what they start, so whoever takes them asks preview_records() before.
create or replace function onceflow.list_topic_triggers()
returns table (workflow text, trigger text, topic text, consumer_group text, format text, takes boolean, released boolean,
    is_checked boolean)
language plpgsql stable security definer set search_path = pg_catalog, pg_temp as $$
#variable_conflict use_column
begin
    return query
    select w.name, t.trigger, t.spec ->> 'topic', t.spec ->> 'group', t.spec ->> 'format',
        t.paused_at is null and w.disabled_at is null,
        exists (select from onceflow.quarantine q
            where q.workflow = w.name and q.trigger = t.trigger and q.released_at is not null),
        not t.spec ? 'event' and v.input_unchecked is not null
    from onceflow.trigger t
    join onceflow.workflow w on w.id = t.workflow_id
    join onceflow.workflow_version v on v.id = t.version_id
    where t.kind = 'kafka';
end $$;
revoke execute on function onceflow.list_topic_triggers() from public;
