-- evaluate_pipe(tree, context, lenient) -> jsonb   (internal)
-- The value of {"f": name, "x": tree, "a": [tree], "t": text}: the function of what stands before the
-- pipe, a path or another pipe; the argument is a literal or a path.
-- Under default() a value may be missing: nothing (a path that fails, first of no items) and null
-- pass every function as SQL null, until a default takes their place. What is there but of a wrong
-- kind is an error there too.
-- Lenient: this pipe itself stands under default(), and may give SQL null.
-- Errors: WF006.
create or replace function onceflow.evaluate_pipe(p_tree jsonb, p_context jsonb, p_lenient boolean)
returns jsonb
language plpgsql immutable as $$
declare
    v_before jsonb := p_tree -> 'x';
    v_argument jsonb := p_tree -> 'a' -> 0;
    v_default boolean := p_tree ->> 'f' = 'default';
    v_lenient boolean := p_lenient or v_default;
    v_value jsonb;
begin
    if v_before ? 'f' then
        v_value := onceflow.evaluate_pipe(v_before, p_context, v_lenient);
    else
        v_value := onceflow.evaluate_path(v_before, p_context, v_lenient);
    end if;
    if v_lenient and v_value = 'null' then
        v_value := null;
    end if;
    if v_value is null <> v_default then
        return v_value;
    end if;
    if v_argument is not null then
        v_argument := coalesce(
            v_argument -> 'v', onceflow.evaluate_path(v_argument, p_context, p_lenient));
        if v_default or v_argument is null then
            return v_argument;
        end if;
    end if;
    v_value := onceflow.evaluate_function(p_tree, v_value, v_argument);
    if v_value is null and not p_lenient then
        raise exception '%: there is no item; give a value for when there is none: % | default(…)',
            p_tree ->> 't', p_tree ->> 't'
            using errcode = 'WF006';
    end if;
    return v_value;
end $$;
revoke execute on function onceflow.evaluate_pipe(jsonb, jsonb, boolean) from public;
