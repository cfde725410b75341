-- require_inputs(inputs, keys) -> void   (internal)
-- Errors: WF002 where an input is no object or too large, or the keys differ from them in number.
create or replace function onceflow.require_inputs(p_inputs jsonb[], p_keys text[]) returns void
language plpgsql immutable as $$
declare
    v_ordinal int;
begin
    if cardinality(p_inputs) is null or cardinality(p_inputs) <> coalesce(cardinality(p_keys), cardinality(p_inputs)) then
        raise exception 'inputs and keys differ in number: % and %', cardinality(p_inputs), cardinality(p_keys)
            using errcode = 'WF002', hint = 'Give one key (or null) for each input, or no keys at all.';
    end if;
    select u.n into v_ordinal from unnest(p_inputs) with ordinality u (input, n)
    where jsonb_typeof(u.input) is distinct from 'object' or pg_column_size(u.input) > 1048576
    order by u.n limit 1;
    if found then
        raise exception 'input % is %', v_ordinal,
            case when jsonb_typeof(p_inputs[v_ordinal]) = 'object'
                then 'larger than 1 MiB' else 'not a JSON object' end
            using errcode = 'WF002', hint = 'Give a JSON object of at most 1 MiB; {} where there is nothing to say.';
    end if;
    select k.n into v_ordinal from unnest(p_keys) with ordinality k (key, n)
    where length(k.key) not between 1 and 255 order by k.n limit 1;
    if found then
        raise exception 'idempotency key % has % characters', v_ordinal, length(p_keys[v_ordinal])
            using errcode = 'WF002', hint = 'Give a key of 1 to 255 characters, or null.';
    end if;
end $$;
revoke execute on function onceflow.require_inputs(jsonb[], text[]) from public;
