-- sum_statistics(limit, skip, labels) -> number of minutes
-- A job of the clock: sums minutes of the log that have been over for 30 s into onceflow.statistics, the oldest first. p_limit,
-- p_skip and others at work: as in fire_timers(); after two seconds the rest is left for the next call.
-- A call first notes which minutes are over, and of each which transactions may still commit something of it: those numbered by
-- then, since a statement has written, and so is numbered, within 30 s of its begin, which is the time in the log. A
-- later call sums what was noted, once if all of them have ended; else it does so at once, and for good when they have.
-- So nothing is lost or counted twice, however late a transaction commits, and each minute is read twice at most.
-- p_labels: at most five names of labels, by which starts and ends of instances are summed into onceflow.label_statistics too; no other
-- label is looked at, and where none is named nothing is done for it.
-- Errors: WF002 more than five names.
create or replace function onceflow.sum_statistics(p_limit int, p_skip int default 0, p_labels text[] default '{}') returns int
language plpgsql volatile security definer set search_path = pg_catalog, pg_temp
set plan_cache_mode = 'force_custom_plan' set jit = 'off' set max_parallel_workers_per_gather = 0
set enable_seqscan = 'off' set enable_sort = 'off' set enable_nestloop = 'off' set enable_mergejoin = 'off'
set work_mem = '64MB' as $$
declare
    v_now constant timestamptz := onceflow.now();
    v_over timestamptz := date_trunc('minute', v_now - interval '30 seconds', 'UTC');
    v_stop_at constant timestamptz := clock_timestamp() + interval '2 seconds';
    v_noted timestamptz := (select c.noted_until from onceflow.statistic_clock c);
    v_minute record;
    v_entries bigint;
    v_part int;
    v_count int := 0;
    v_labelled boolean;
begin
    if cardinality(p_labels) > 5 then
        raise exception 'p_labels names % labels, and 5 are the most', cardinality(p_labels)
            using errcode = 'WF002', hint = 'Name those that are worth series of metrics of their own.';
    end if;
    if v_noted >= v_over and not exists (
            select from onceflow.statistic_minute m
            where not m.counted or m.settled_at <= pg_snapshot_xmin(pg_current_snapshot()))
        or not onceflow.take_job('sum_statistics')
    then
        return 0;
    end if;
    if exists (select from onceflow.statistic_minute m where not m.counted) then
        perform onceflow.index_log();
    end if;
    for v_minute in
        select m.minute, m.settled_at <= pg_snapshot_xmin(pg_current_snapshot()) as settled, m.part
        from onceflow.statistic_minute m
        where not m.counted or m.settled_at <= pg_snapshot_xmin(pg_current_snapshot())
        order by m.minute offset p_skip limit p_limit
    loop
        v_entries := (
            select count(*) from onceflow.task_log l
            where l.at >= v_minute.minute and l.at < v_minute.minute + interval '1 minute');
        v_part := coalesce(v_minute.part, onceflow.part_to_count(v_entries));
        perform onceflow.add_minute(v_minute.minute, v_part, v_entries);
        if p_labels <> '{}' then
            perform onceflow.add_labels(v_minute.minute, v_part, v_entries, p_labels);
        end if;
        if v_minute.settled then
            delete from onceflow.statistic_minute m where m.minute = v_minute.minute;
        else
            update onceflow.statistic_minute m set counted = true, part = v_part where m.minute = v_minute.minute;
        end if;
        v_count := v_count + 1;
        if clock_timestamp() > v_stop_at then
            v_count := p_limit;
            exit;
        end if;
    end loop;
    -- After the lock: another call may have noted some.
    select c.noted_until, c.labelled into v_noted, v_labelled from onceflow.statistic_clock c;
    if v_noted < v_over then
        v_over := least(v_over, v_noted + interval '1000 minutes');
        insert into onceflow.statistic_minute (minute, settled_at)
        select m, pg_snapshot_xmax(pg_current_snapshot())
        from generate_series(v_noted, v_over - interval '1 minute', interval '1 minute') m;
        update onceflow.statistic_clock c set noted_until = v_over;
    end if;
    perform onceflow.trim_statistics(v_now, 5000);
    if v_labelled or p_labels <> '{}' then
        perform onceflow.trim_labels(50000);
    end if;
    return v_count;
end $$;
revoke execute on function onceflow.sum_statistics(int, int, text[]) from public;
