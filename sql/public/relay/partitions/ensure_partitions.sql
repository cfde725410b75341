-- ensure_partitions(from, to) -> number of partitions made
-- Makes the weekly partitions of instance, task and task_log for a span of time; by default from an
-- hour ago, as old as an id may be, to two weeks ahead. Each is made apart and then attached, which stops no reader or writer.
-- Errors: lock_not_available where another session holds the tables for more than 2 s: call again.
-- Also for: operator.
create or replace function onceflow.ensure_partitions(
    p_from timestamptz default clock_timestamp() - interval '1 hour',
    p_to timestamptz default clock_timestamp() + interval '2 weeks')
returns int
language plpgsql volatile security definer set search_path = pg_catalog, pg_temp as $$
declare
    v_week constant int := 7 * 86400;
    v_start timestamptz;
    v_table record;
    v_name text;
    v_count int := 0;
begin
    perform set_config('lock_timeout', '2s', true);
    perform from onceflow.job j where j.name = 'partitions' for no key update;
    for v_start in
        select to_timestamp(w * v_week)
        from generate_series(floor(extract(epoch from p_from) / v_week)::bigint,
            floor(extract(epoch from p_to) / v_week)::bigint) w
    loop
        for v_table in
            select p.name, p.fillfactor from onceflow.partitioned_tables() p
        loop
            v_name := v_table.name || to_char(v_start at time zone 'UTC', '_YYYYMMDD');
            continue when to_regclass('onceflow.' || v_name) is not null;
            execute format('create table onceflow.%I (like onceflow.%I including all) with (fillfactor = %s)',
                v_name, v_table.name, v_table.fillfactor);
            execute format('revoke usage on type onceflow.%I from public', v_name);
            execute format('alter table onceflow.%I attach partition onceflow.%I for values from (%L) to (%L)',
                v_table.name, v_name, onceflow.uuid7_bound(v_start),
                onceflow.uuid7_bound(v_start + make_interval(secs => v_week)));
            v_count := v_count + 1;
        end loop;
    end loop;
    return v_count;
end $$;
revoke execute on function onceflow.ensure_partitions(timestamptz, timestamptz) from public;
