-- time_function(name, value, arguments) -> jsonb   (internal)
-- The functions of times, which are texts of RFC 3339: with their offset from UTC, years 1 to 9999. A calendar's
-- months and days are those of UTC.
-- Errors: 22000.
create or replace function onceflow.time_function(p_name text, p_value jsonb, p_arguments jsonb[]) returns jsonb
language plpgsql immutable as $$
declare
    v_text constant text := p_value #>> '{}';
    v_first constant text := p_arguments[1] #>> '{}';
    v_zone constant text := coalesce(p_arguments[2] #>> '{}', 'UTC');
    v_at timestamptz;
    v_reason text := 'there is no such time';
begin
    perform onceflow.local_time('epoch', v_zone);
    begin
        if p_name <> 'parse_time' or cardinality(p_arguments) = 0 and jsonb_typeof(p_value) = 'string' then
            v_reason := 'a time is a text such as 2026-11-26T08:00:00Z, with its offset from UTC';
            if onceflow.has_format('date', v_text) and p_name = 'parse_time' then
                v_at := (v_text || 'T00:00:00Z')::timestamptz;
            elsif onceflow.has_format('date-time', v_text) and char_length(v_text) <= 100 then
                v_at := upper(v_text)::timestamptz;
            end if;
        elsif jsonb_typeof(p_value) = 'number' then
            v_reason := 'that many seconds after 1970 there is no time of four digits';
            v_at := 'epoch'::timestamptz + make_interval(secs => (round(p_value::numeric, 6))::float8);
        else
            v_reason := 'the text is no time of this pattern';
            v_at := onceflow.parsed_time(v_text, v_first, v_zone);
        end if;
        if p_name = 'add_time' then
            v_reason := 'a duration is a text such as "5m", "-1h30m" or "P1M", or a number of seconds';
            v_at := ((v_at at time zone 'UTC') + onceflow.duration_of(p_arguments[1])) at time zone 'UTC';
        end if;
    exception
        -- Postgres's words repeat the value.
        when data_exception then
            v_at := null;
    end;
    if v_at is null or v_at < '0001-01-01T00:00:00Z' or v_at > '9999-12-31T23:59:59.999999Z' then
        raise data_exception using message = v_reason;
    end if;
    return to_jsonb(case p_name when 'format_time' then onceflow.formatted_time(v_at, v_first, v_zone)
        else onceflow.exact_time(v_at) end);
end $$;
revoke execute on function onceflow.time_function(text, jsonb, jsonb[]) from public;
