-- has_format(format, text) -> boolean   (internal)
-- Whether a text is a date, a date-time, a time (RFC 3339) or a uuid, as engine/definition/inputs/formats.py has
-- them; by its characters alone, so that no setting of the session matters.
create or replace function onceflow.has_format(p_format text, p_text text) returns boolean
language plpgsql immutable parallel safe as $$
declare
    v_year int;
begin
    case p_format
        when 'uuid' then
            return p_text ~ '^[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}$';
        when 'time' then
            return p_text ~ ('^([01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9]([.][0-9]+)?'
                || '([Zz]|[+-]([01][0-9]|2[0-3]):[0-5][0-9])$');
        when 'date-time' then
            return substr(p_text, 11, 1) in ('T', 't') and onceflow.has_format('date', left(p_text, 10))
                and onceflow.has_format('time', substr(p_text, 12));
        when 'date' then
            if p_text !~ '^[0-9]{4}-(0[1-9]|1[0-2])-(0[1-9]|[12][0-9]|3[01])$' then
                return false;
            end if;
            v_year := left(p_text, 4)::int;
            return v_year > 0 and right(p_text, 2)::int <= case
                when substr(p_text, 6, 2) in ('04', '06', '09', '11') then 30
                when substr(p_text, 6, 2) <> '02' then 31
                when v_year % 4 = 0 and (v_year % 100 <> 0 or v_year % 400 = 0) then 29
                else 28 end;
        else
            return true;
    end case;
end $$;
revoke execute on function onceflow.has_format(text, text) from public;
