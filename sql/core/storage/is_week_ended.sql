-- is_week_ended(week) -> boolean   (internal)
-- Whether no instance of a week is open: a look into an index, however many there are.
create or replace function onceflow.is_week_ended(p_week date) returns boolean
language plpgsql volatile as $$
declare
    v_ended boolean;
begin
    execute format('select not exists (select from onceflow.%I i'
        ' where i.state in (''RUNNING'', ''CLOSING'', ''COMPENSATING''))', 'instance' || to_char(p_week, '_YYYYMMDD'))
        into v_ended;
    return v_ended;
end $$;
revoke execute on function onceflow.is_week_ended(date) from public;
