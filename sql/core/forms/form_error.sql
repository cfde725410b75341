-- form_error(value) -> error   (internal)
-- Why nobody can be asked what the expressions of an approve gave, {title, to, due}; null where it can be done.
create or replace function onceflow.form_error(p_value jsonb) returns jsonb
language plpgsql stable as $$
declare
    v_to constant jsonb := case jsonb_typeof(p_value -> 'to') when 'array' then p_value -> 'to'
        else jsonb_build_array(p_value -> 'to') end;
    v_message constant text := case
        when jsonb_typeof(p_value) is distinct from 'object' then 'a form is {"title": "…", "to": ["…"]}'
        when jsonb_typeof(p_value -> 'title') is distinct from 'string'
            or length(p_value ->> 'title') not between 1 and 500
            then format('its title is a text of 1 to 500 characters, and this is %s', left((p_value -> 'title')::text, 200))
        when jsonb_array_length(v_to) not between 1 and 100
            or exists (
                select from jsonb_array_elements(v_to) p
                where jsonb_typeof(p) is distinct from 'string' or length(p #>> '{}') not between 1 and 255)
            then format('to is one to 100 people or groups, each a text of 1 to 255 characters, and this is %s',
                left(coalesce(p_value -> 'to', 'null')::text, 200))
        when p_value ? 'due' and onceflow.sleep_until(p_value -> 'due', onceflow.now()) is null
            then format('due is a number of seconds, a duration such as "2d", or {"until": "2026-12-24T18:00:00Z"}, of at '
                'most ten years, and this is %s', left((p_value -> 'due')::text, 200)) end;
begin
    return case when v_message is not null
        then jsonb_build_object('code', 'expression', 'place', 'value', 'message', v_message) end;
end $$;
revoke execute on function onceflow.form_error(jsonb) from public;
