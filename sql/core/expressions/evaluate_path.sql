-- evaluate_path(leaf, context, lenient, item) -> jsonb   (internal)
-- What the path of a leaf {"p": path, "t": text} finds in the context: one value; with "m" an array
-- of all that it finds; with "b" the truth of a condition, which is nothing where a part of it finds
-- nothing or compares values of different kinds. With "w" it compares each value of one sequence with each
-- of another, and takes little data. With "g" it names values of the deployment's configuration: asked first
-- whether these are there, for a filter would take one that is missing for a condition that does not hold.
-- With "z" it has variables, $f1, $f2 …, which are functions of their own; p_item gives those of evaluate_items().
-- Lenient (under default()): SQL null where it finds nothing.
-- Errors: WF006, which names the path as the user wrote it and gives Postgres's reason.
-- Not parallel safe: before Postgres 17 a block with an exception handler may not run in parallel.
create or replace function onceflow.evaluate_path(
    p_leaf jsonb, p_context jsonb, p_lenient boolean, p_item jsonb default null)
returns jsonb
language plpgsql immutable as $$
declare
    v_found jsonb;
    v_reason text;
    v_missing text;
    v_variables jsonb := coalesce(p_item, '{}');
begin
    if p_leaf ? 'z' then
        for v_n in 1 .. jsonb_array_length(p_leaf -> 'z') loop
            v_found := onceflow.evaluate_argument(p_leaf -> 'z' -> v_n - 1, p_context, p_lenient, p_item);
            if v_found is null then
                return null;
            end if;
            v_variables := v_variables || jsonb_build_object('f' || v_n, v_found);
        end loop;
    end if;
    if p_leaf ? 'g' then
        select min(n.name) into v_missing from jsonb_array_elements_text(p_leaf -> 'g') n (name)
        where not p_context -> 'config' ? n.name;
        if v_missing is not null and p_lenient then
            return null;
        elsif v_missing is not null then
            raise exception '%: the configuration of this deployment has no value %; set it: onceflow config set % VALUE',
                p_leaf ->> 't', v_missing, v_missing
                using errcode = 'WF006';
        end if;
    end if;
    -- It compares each value with each.
    if p_leaf ? 'w' and pg_column_size(p_context) + pg_column_size(v_variables) > 131072 then
        raise exception '%: it compares each value with each, and takes at most 128 KiB of data for that',
            p_leaf ->> 't' using errcode = 'WF006';
    end if;
    begin
        if p_leaf ? 'm' then
            return jsonb_path_query_array(p_context, (p_leaf ->> 'p')::jsonpath, v_variables);
        end if;
        v_found := jsonb_path_query_first(p_context, (p_leaf ->> 'p')::jsonpath, v_variables);
        if not p_leaf ? 'b' or v_found <> 'null' then
            return v_found;
        end if;
        v_reason := 'a part of it finds nothing, or two values of different kinds are compared';
    exception
        -- Of the path or the data; a comparison of dates that needs a time zone is "not supported".
        when data_exception or feature_not_supported or program_limit_exceeded then
            v_reason := sqlerrm;
    end;
    if p_lenient then
        return null;
    end if;
    raise exception '%: %; see that it is there, or give a value for when it is not: % | default(…)',
        p_leaf ->> 't', v_reason, p_leaf ->> 't'
        using errcode = 'WF006';
end $$;
revoke execute on function onceflow.evaluate_path(jsonb, jsonb, boolean, jsonb) from public;
