-- evaluate_pipe(tree, context, lenient, item) -> jsonb   (internal)
-- The value of {"f": name, "x": tree, "a": [tree, …], "t": text}: the function of what stands before the
-- pipe, or first in a call. "k" are the kinds that it takes as its value, "q" those of its arguments. Of `if` the one
-- argument that it takes is evaluated; where there is an "i", that for each item.
-- Under default() a value may be missing: nothing (a path that fails, first of no items) and null
-- pass every function as SQL null, until a default takes their place. What is there but of a wrong
-- kind is an error there too.
-- Lenient: this function itself stands under default(), and may give SQL null.
-- Errors: WF006.
create or replace function onceflow.evaluate_pipe(
    p_tree jsonb, p_context jsonb, p_lenient boolean, p_item jsonb default null)
returns jsonb
language plpgsql immutable as $$
declare
    v_name constant text := p_tree ->> 'f';
    v_value jsonb;
    v_argument jsonb;
    v_arguments jsonb[] := '{}';
begin
    v_value := onceflow.evaluate_argument(p_tree -> 'x', p_context, p_lenient or v_name = 'default', p_item);
    if v_value = 'null' and (p_lenient or v_name = 'default') then
        v_value := null;
    end if;
    if v_value is null <> (v_name = 'default') then
        return v_value;
    elsif v_name = 'default' then
        return onceflow.evaluate_argument(p_tree -> 'a' -> 0, p_context, p_lenient, p_item);
    elsif not p_tree -> 'k' ? jsonb_typeof(v_value) then
        raise exception '%: this takes %, and was given %', p_tree ->> 't',
            array_to_string(array(select jsonb_array_elements_text(p_tree -> 'k')), ' or '), jsonb_typeof(v_value)
            using errcode = 'WF006';
    elsif v_name = 'if' then
        return onceflow.evaluate_argument(
            coalesce(p_tree -> 'a' -> case v_value when 'true' then 0 else 1 end, '{"v": null}'),
            p_context, p_lenient, p_item);
    elsif p_tree ? 'i' then
        v_arguments := v_arguments || onceflow.evaluate_items(p_tree, v_value, p_context, p_item);
    end if;
    for v_n in 0 .. jsonb_array_length(p_tree -> 'a') - 1 loop
        v_argument := onceflow.evaluate_argument(p_tree -> 'a' -> v_n, p_context, p_lenient, p_item);
        if v_argument is null then
            return null;
        elsif not p_tree -> 'q' ? jsonb_typeof(v_argument) then
            raise exception '%: an argument of % is %, and was given %', p_tree ->> 't', v_name,
                array_to_string(array(select jsonb_array_elements_text(p_tree -> 'q')), ' or '), jsonb_typeof(v_argument)
                using errcode = 'WF006';
        end if;
        v_arguments := v_arguments || v_argument;
    end loop;
    v_value := onceflow.evaluate_function(p_tree, v_value, v_arguments, p_item);
    if v_value is null and not p_lenient then
        raise exception '%: there is no item; give a value for when there is none: % | default(…)',
            p_tree ->> 't', p_tree ->> 't'
            using errcode = 'WF006';
    end if;
    return v_value;
end $$;
revoke execute on function onceflow.evaluate_pipe(jsonb, jsonb, boolean, jsonb) from public;
