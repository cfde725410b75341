-- duration_of(value) -> interval   (internal)
-- A duration: a number of seconds, a text as definitions write them (1h30m), or of ISO 8601 (P1M, PT5M); with a minus
-- before it, back. Null where it is none.
create or replace function onceflow.duration_of(p_value jsonb) returns interval
language plpgsql immutable as $$
declare
    v_text constant text := p_value #>> '{}';
    v_units constant text := '^-?(?=[0-9])([0-9]{1,9}([.][0-9]{1,6})?d)?([0-9]{1,9}([.][0-9]{1,6})?h)?'
        || '([0-9]{1,9}([.][0-9]{1,6})?m)?([0-9]{1,9}([.][0-9]{1,6})?s)?([0-9]{1,9}([.][0-9]{1,6})?ms)?$';
    v_calendar constant text := '^-?P(?=.)([0-9]{1,4}Y)?([0-9]{1,5}M)?([0-9]{1,5}W)?([0-9]{1,7}D)?'
        || '(T(?=.)([0-9]{1,9}H)?([0-9]{1,9}M)?([0-9]{1,9}([.][0-9]{1,6})?S)?)?$';
    v_duration interval;
begin
    if jsonb_typeof(p_value) = 'number' then
        return make_interval(secs => (round(p_value::numeric, 6))::float8);
    elsif v_text ~ v_units then
        -- Days of definitions have 24 hours each, as days of UTC do.
        select sum(p[1]::numeric * case p[2] when 'd' then 86400 when 'h' then 3600 when 'm' then 60 when 's' then 1
            else 0.001 end)::float8 * interval '1 s'
        into v_duration from regexp_matches(v_text, '([0-9.]+)(ms|[dhms])', 'g') p;
    elsif v_text ~ v_calendar then
        v_duration := ltrim(v_text, '-')::interval;
    end if;
    return case when v_text like '-%' then - v_duration else v_duration end;
end $$;
revoke execute on function onceflow.duration_of(jsonb) from public;
