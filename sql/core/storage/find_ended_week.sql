-- find_ended_week(before) -> date   (internal)
-- The oldest week of which all instances ended before a time, null where there is none. Takes no lock: a week that
-- is over for a day gets no new instance, and what has ended stays so; therefore each week is read through once,
-- and when its last instance ended is remembered.
create or replace function onceflow.find_ended_week(p_before timestamptz) returns date
language plpgsql volatile as $$
declare
    v_week date;
    v_end timestamptz;
begin
    for v_week in
        select to_date(substring(c.relname from 'instance_([0-9]{8})$'), 'YYYYMMDD') as week
        from pg_inherits h
        join pg_class c on c.oid = h.inhrelid
        where h.inhparent = 'onceflow.instance'::regclass
        order by week
    loop
        exit when (v_week + 7)::timestamp at time zone 'UTC' > least(p_before, clock_timestamp() - interval '1 day');
        select w.last_end into v_end from onceflow.ended_week w where w.week = v_week;
        if not found then
            continue when not onceflow.is_week_ended(v_week);
            execute format('select coalesce(max(ended_at), ''-infinity'') from onceflow.%I',
                'instance' || to_char(v_week, '_YYYYMMDD')) into v_end;
            insert into onceflow.ended_week (week, last_end) values (v_week, v_end) on conflict do nothing;
        end if;
        if v_end < p_before then
            return v_week;
        end if;
    end loop;
    return null;
end $$;
revoke execute on function onceflow.find_ended_week(timestamptz) from public;
