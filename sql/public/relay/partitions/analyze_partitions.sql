-- analyze_partitions(limit, skip) -> number of partitions
-- A job of the clock: has Postgres look again at partitions of this week and later that have outgrown what it knows of them
-- many times, as one has that it has seen empty. It would do so itself, a minute later: until then sessions plan for a few
-- rows, and read all that have come meanwhile in place of the one that they are after. What is being vacuumed is left out.
-- p_limit, p_skip and others at work: as in fire_timers().
create or replace function onceflow.analyze_partitions(p_limit int, p_skip int default 0) returns int
language plpgsql volatile security definer set search_path = pg_catalog, pg_temp as $$
declare
    v_page constant int := current_setting('block_size')::int;
    v_grown regclass[];
    v_one regclass;
begin
    v_grown := array(
        select c.oid
        from onceflow.partitioned_tables() p
        join pg_inherits h on h.inhparent = ('onceflow.' || p.name)::regclass
        join pg_class c on c.oid = h.inhrelid
        -- What is large Postgres knows well enough, and what it has never seen it takes for ten pages.
        where right(c.relname, 8) > to_char(clock_timestamp() at time zone 'UTC' - interval '7 days', 'YYYYMMDD')
            and c.reltuples >= 0 and c.relpages < 4096
            and pg_relation_size(c.oid) / v_page > 10 + 4 * c.relpages
        order by c.relname offset p_skip limit p_limit);
    if v_grown = '{}' or not onceflow.take_job('analyze_partitions') then
        return 0;
    end if;
    foreach v_one in array v_grown loop
        execute format('analyze (skip_locked) %s', v_one);
    end loop;
    return cardinality(v_grown);
end $$;
revoke execute on function onceflow.analyze_partitions(int, int) from public;
