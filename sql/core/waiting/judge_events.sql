-- judge_events(names, keys, payloads, ids) -> judged_event[]   (internal)
-- What is wrong with events that are to be sent, each with the id that it gets where it has none.
create or replace function onceflow.judge_events(p_names text[], p_keys text[], p_payloads jsonb[], p_ids text[])
returns onceflow.judged_event[]
language plpgsql volatile as $$
begin
    return array(
        select row(k.n, coalesce(k.id, gen_random_uuid()::text), k.name, k.key, coalesce(k.payload, 'null'),
            case when f.fault is not null then 'invalid' end, f.fault)::onceflow.judged_event
        from unnest(p_names, p_keys, p_payloads, p_ids) with ordinality k (name, key, payload, id, n)
        cross join lateral (
            select case
                when (k.name ~ '^[A-Za-z][A-Za-z0-9_.-]{0,127}$') is not true
                    then 'the name of an event is a letter, then up to 127 letters, digits, . - or _'
                when (length(k.key) between 1 and 255) is not true
                    then 'the key of an event is a text of 1 to 255 characters'
                when length(k.id) not between 1 and 255 then 'the id of an event has 1 to 255 characters'
                else 'the payload cannot be kept: ' || (onceflow.payload_error(k.payload) ->> 'message') end as fault) f
        order by k.n);
end $$;
revoke execute on function onceflow.judge_events(text[], text[], jsonb[], text[]) from public;
