-- evaluate(tree, context) -> jsonb   (internal)
-- The value of a compiled expression tree (engine/definition makes them) over a context: an object
-- with input, steps, instance, and for a compensation output, task_input and key.
--   {"v": value}                       a literal
--   {"p": path, "t": text, …}          a strict SQL/JSON path: evaluate_path()
--   {"f": name, "x": tree, "a": […]}   a function: evaluate_pipe()
--   {"c": [tree, …]}                   a text put together: strings as they are, numbers and booleans
--                                      as JSON text, to the last digit
--   {"s": [{"when": tree}, …]}         the number of the first case that holds: evaluate_cases()
--   {"o": {key: tree, …}}  {"l": [tree, …]}    an object, an array
-- A found null is a value. Never gives SQL null.
-- A path that gives one value ("p" without "m", "b" or "z"), as most do, is tried here first: silently, so
-- that SQL null says that it failed and evaluate_path() may say why.
-- Errors: WF006, which names the path or function as the user wrote it.
create or replace function onceflow.evaluate(p_tree jsonb, p_context jsonb) returns jsonb
language plpgsql immutable as $$
declare
    v_found jsonb;
begin
    if p_tree ? 'v' then
        return p_tree -> 'v';
    elsif p_tree ? 'o' then
        return (
            select jsonb_object_agg(m.key, case
                when m.value ? 'v' then m.value -> 'v'
                when m.value ? 'p' and not m.value ?| '{m,b,z}' then coalesce(
                    jsonb_path_query_first(p_context, (m.value ->> 'p')::jsonpath, '{}', true),
                    onceflow.evaluate_path(m.value, p_context, false))
                else onceflow.evaluate(m.value, p_context)
            end)
            from jsonb_each(p_tree -> 'o') m);
    elsif p_tree ? 'p' then
        if not p_tree ?| '{m,b,z}' then
            v_found := jsonb_path_query_first(p_context, (p_tree ->> 'p')::jsonpath, '{}', true);
        end if;
        return coalesce(v_found, onceflow.evaluate_path(p_tree, p_context, false));
    elsif p_tree ? 'f' then
        return onceflow.evaluate_pipe(p_tree, p_context, false);
    elsif p_tree ? 'c' then
        return (
            select to_jsonb(string_agg(case
                when c.part ? 'v' then c.part ->> 'v'
                else onceflow.evaluate_text(onceflow.evaluate(c.part, p_context), c.part ->> 't')
            end, '' order by c.n))
            from jsonb_array_elements(p_tree -> 'c') with ordinality c (part, n));
    elsif p_tree ? 'l' then
        return (
            select jsonb_agg(onceflow.evaluate(l.item, p_context) order by l.n)
            from jsonb_array_elements(p_tree -> 'l') with ordinality l (item, n));
    elsif p_tree ? 's' then
        return onceflow.evaluate_cases(p_tree -> 's', p_tree -> 'g', p_context);
    end if;
    raise exception 'not an expression tree: %', left(p_tree::text, 200) using errcode = 'WF006';
end $$;
revoke execute on function onceflow.evaluate(jsonb, jsonb) from public;
