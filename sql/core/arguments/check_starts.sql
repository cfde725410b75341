-- check_starts(inputs, keys, ids, checks) -> (ids, errors)   (internal)
-- The id of each instance that is to be started: the caller's, or one made here, each larger than the one before.
-- Where something is wrong with an item it gets no id, and an error {code, message}; errors are null without any. p_checks is
-- what is checked of the workflow's schema.
-- Errors: WF002 where the arrays differ in length.
create or replace function onceflow.check_starts(
    p_inputs jsonb[], p_keys text[], p_ids uuid[], p_checks jsonb, out o_ids uuid[], out o_errors jsonb[])
language plpgsql volatile as $$
declare
    v_now timestamptz := clock_timestamp();
    v_oldest uuid := onceflow.uuid7_bound(v_now - interval '1 hour');
    v_youngest uuid := onceflow.uuid7_bound(v_now + interval '1 hour');
begin
    if cardinality(p_inputs) is null
        or cardinality(p_inputs) <> coalesce(cardinality(p_keys), cardinality(p_inputs))
        or cardinality(p_inputs) <> coalesce(cardinality(p_ids), cardinality(p_inputs))
    then
        raise exception 'inputs, keys and ids differ in number: %, % and %', coalesce(cardinality(p_inputs), 0),
            coalesce(cardinality(p_keys)::text, 'none'), coalesce(cardinality(p_ids)::text, 'none')
            using errcode = 'WF002', hint = 'Give one key and one id (or null) for each input, or none at all.';
    end if;
    o_ids := p_ids;
    if p_ids is null or array_position(p_ids, null) is not null then
        o_ids := array(
            select onceflow.uuid7(d.cell) as id
            from onceflow.deployment d cross join unnest(p_inputs)
            order by id);
        if p_ids is not null then
            o_ids := array(
                select coalesce(k.id, k.made) from unnest(p_ids, o_ids) with ordinality k (id, made, n) order by k.n);
        end if;
    end if;

    -- One look for all, since nothing is wrong with most: what exactly is asked for only then.
    if exists (
        select from onceflow.deployment d
        cross join unnest(p_inputs, p_keys, p_ids) k (input, key, id)
        where jsonb_typeof(k.input) is distinct from 'object'
            or case when p_checks is not null or pg_column_size(k.input) > 1000 or octet_length(k.input::text) > 1000
                then onceflow.input_error(p_checks, k.input) is not null else false end
            or length(k.key) not between 1 and 255
            or k.id is not null
                and (onceflow.cell_of(k.id) is distinct from d.cell or k.id not between v_oldest and v_youngest))
    then
        o_errors := onceflow.start_errors(p_inputs, p_keys, p_ids, p_checks, v_oldest, v_youngest);
        o_ids := array(
            select case when k.error is null then k.id end
            from unnest(o_ids, o_errors) with ordinality k (id, error, n) order by k.n);
    end if;
end $$;
revoke execute on function onceflow.check_starts(jsonb[], text[], uuid[], jsonb) from public;
