-- start_errors(inputs, keys, ids, checks, oldest, youngest) -> errors   (internal)
-- What is wrong with each item of a start, as {code, message}, or null. An id that is older or younger than these
-- is right where its instance is there: that is a repetition, however late it comes.
create or replace function onceflow.start_errors(
    p_inputs jsonb[], p_keys text[], p_ids uuid[], p_checks jsonb, p_oldest uuid, p_youngest uuid)
returns jsonb[]
language plpgsql stable as $$
begin
    return array(
    select coalesce(onceflow.input_error(p_checks, c.input),
        case when c.error is not null then jsonb_build_object('code', c.error[1], 'message', c.error[2]) end)
    from (
        select k.n, k.input, case
            when length(k.key) not between 1 and 255 then
                array['invalid_key', 'the idempotency key has ' || length(k.key) || ' characters, and 1 to 255 are allowed']
            when k.id is null then null
            when onceflow.cell_of(k.id) is null then array['invalid_id', 'the id is no UUID version 7']
            when onceflow.cell_of(k.id) <> d.cell then
                array['invalid_id', 'the id names cell ' || onceflow.cell_of(k.id) || ', and this is cell ' || d.cell]
            when k.id not between p_oldest and p_youngest
                and not exists (select from onceflow.instance i where i.id = k.id) then
                array['invalid_id', 'the id was made more than an hour from ' || onceflow.time_text(clock_timestamp())
                    || ', the time here; if it is new, set the clock where it was made']
            end as error
        from onceflow.deployment d
        cross join unnest(p_inputs, p_keys, p_ids) with ordinality k (input, key, id, n)) c
    order by c.n);
end $$;
revoke execute on function onceflow.start_errors(jsonb[], text[], uuid[], jsonb, uuid, uuid) from public;
