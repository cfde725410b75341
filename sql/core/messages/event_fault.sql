-- event_fault(topic, key, value, headers, event id) -> text   (internal)
-- Why Kafka, or a relay, cannot take an event; null where they can.
create or replace function onceflow.event_fault(
    p_topic text, p_key text, p_value text, p_headers jsonb, p_event_id text)
returns text
language plpgsql immutable as $$
declare
    v_most constant int := 16 * 1024 * 1024;
begin
    return case
        when (p_topic ~ '^[A-Za-z0-9._-]{1,249}$' and p_topic not in ('.', '..')) is not true then
            format('%s is no topic''s name, which is of letters, digits, ".", "_" and "-", at most 249 of them',
                coalesce(quote_literal(left(p_topic, 60)), 'null'))
        when p_value is null or p_event_id is null then 'it has no value, or no id'
        when jsonb_typeof(p_headers) <> 'object' then 'its headers are no object'
        when jsonb_path_exists(p_headers, '$.* ? (@.type() <> "string")') then 'a header of it is no text'
        when octet_length(p_value) + coalesce(octet_length(p_key), 0) + coalesce(pg_column_size(p_headers), 0) > v_most
            then format('it is larger than %s bytes', v_most)
    end;
end $$;
revoke execute on function onceflow.event_fault(text, text, text, jsonb, text) from public;
