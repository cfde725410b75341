-- evaluate_text(value, what) -> text   (internal)
-- A value as part of a text: a string as it is, a number or a boolean as its JSON text, with all its
-- digits. What else it is would be a slip: null, arrays and objects have no one text.
-- Errors: WF006, which names `what`, the expression as the user wrote it.
create or replace function onceflow.evaluate_text(p_value jsonb, p_what text) returns text
language plpgsql immutable as $$
begin
    if jsonb_typeof(p_value) in ('string', 'number', 'boolean') then
        return p_value #>> '{}';
    end if;
    raise exception '%: a text takes string, number or boolean, and this gives %; add | json or | default(…)',
        p_what, jsonb_typeof(p_value)
        using errcode = 'WF006';
end $$;
revoke execute on function onceflow.evaluate_text(jsonb, text) from public;
