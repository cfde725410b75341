-- size_faults(assertion, of, size, what) -> text[]   (internal)
-- Whether a size is below the minimum or above the maximum that a schema object has of it: minLength …
create or replace function onceflow.size_faults(p_assertion jsonb, p_of text, p_size int, p_what text)
returns text[]
language sql immutable parallel safe
return case when p_assertion ?| array['min' || p_of, 'max' || p_of] then array_remove(array[
    case when p_size < (p_assertion -> ('min' || p_of))::numeric
        then format('must have at least %s %s', p_assertion -> ('min' || p_of), p_what) end,
    case when p_size > (p_assertion -> ('max' || p_of))::numeric
        then format('must have at most %s %s', p_assertion -> ('max' || p_of), p_what) end], null) else '{}' end;
revoke execute on function onceflow.size_faults(jsonb, text, int, text) from public;
