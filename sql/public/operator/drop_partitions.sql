-- drop_partitions(before, limit) -> (week, dropped, keys, waits_for)
-- Retention, a piece a call: of the oldest week of which all instances ended before a time it deletes up to p_limit
-- idempotency keys (a key's life counts from the end of its instance), then search values, or, where none is left,
-- drops the tables. keys: how many of either.
-- Call it until it gives no row, each time in a transaction of its own: onceflow drop-partitions, or psql's
-- \watch i=0.1 m=1. All that takes time is done without locks. For these it waits 50 ms at most, so nobody stands
-- behind it for longer; where it cannot have them nothing is dropped, and waits_for says who holds what.
-- (DETACH PARTITION CONCURRENTLY would wait for every open transaction, needs the owner outside of a function,
-- and leaves a half-detached table where it is broken off.)
create or replace function onceflow.drop_partitions(p_before timestamptz, p_limit int default 10000)
returns table (week date, dropped text[], keys int, waits_for text)
language plpgsql volatile security definer set search_path = pg_catalog, pg_temp as $$
#variable_conflict use_column
declare
    v_week constant date := onceflow.find_ended_week(p_before);
    v_from constant uuid := onceflow.uuid7_bound(v_week::timestamp at time zone 'UTC');
    v_to constant uuid := onceflow.uuid7_bound((v_week + 7)::timestamp at time zone 'UTC');
    v_parents constant text[] := array(select p.name from onceflow.partitioned_tables() p);
    v_tables constant text[] := array(select p || to_char(v_week, '_YYYYMMDD') from unnest(v_parents) p);
    v_until timestamptz;
    v_name text;
    v_keys int;
    v_rows tid[];
begin
    if v_week is null then
        return;
    end if;
    -- Arrays, which are made once: a plan may read a subquery again for each row, and then finds more than it was to.
    v_rows := array(
        select d.ctid from onceflow.idempotency_key d
        where d.instance_id >= v_from and d.instance_id < v_to
        order by d.instance_id limit p_limit
        for update skip locked);
    delete from onceflow.idempotency_key k where k.ctid = any (v_rows);
    get diagnostics v_keys = row_count;
    if v_keys = 0 then
        v_rows := array(
            select d.ctid from onceflow.search_value d
            where d.instance_id >= v_from and d.instance_id < v_to
            order by d.instance_id limit p_limit
            for update skip locked);
        delete from onceflow.search_value s where s.ctid = any (v_rows);
        get diagnostics v_keys = row_count;
    end if;
    if v_keys > 0 then
        return query select v_week, '{}'::text[], v_keys, null::text;
        return;
    elsif exists (select from onceflow.idempotency_key k where k.instance_id >= v_from and k.instance_id < v_to)
        or exists (select from onceflow.search_value s where s.instance_id >= v_from and s.instance_id < v_to)
    then
        return query select v_week, '{}'::text[], 0,
            'a transaction that holds idempotency keys or search values of that week';
        return;
    elsif not onceflow.take_job('partitions') then
        return query select v_week, '{}'::text[], 0, 'another session that makes or drops partitions';
        return;
    end if;

    begin
        v_until := clock_timestamp() + interval '50 ms';
        foreach v_name in array v_parents || v_tables loop
            perform set_config('lock_timeout', greatest(1, round(
                extract(epoch from v_until - clock_timestamp()) * 1000)) || 'ms', true);
            execute format('lock table only onceflow.%I in access exclusive mode', v_name);
        end loop;
        delete from onceflow.ended_week w where w.week = v_week;
        if not onceflow.is_week_ended(v_week) then
            return query select v_week, '{}'::text[], 0, 'an instance of that week that runs';
            return;
        elsif exists (select from onceflow.search_value s where s.instance_id >= v_from and s.instance_id < v_to) then
            -- Labels are given to what has ended too, by whoever held its row until now.
            return query select v_week, '{}'::text[], 0, 'labels of that week that were given this very moment';
            return;
        end if;
        foreach v_name in array v_tables loop
            execute format('drop table onceflow.%I', v_name);
        end loop;
        perform onceflow.record_audit('drop_partitions', 'week', array[v_week::text],
            p_after => array[jsonb_build_object('dropped', to_jsonb(v_tables))]);
        return query select v_week, v_tables, 0, null::text;
    exception when lock_not_available or deadlock_detected then
        return query select v_week, '{}'::text[], 0, onceflow.lock_holders(v_parents || v_tables);
    end;
end $$;
revoke execute on function onceflow.drop_partitions(timestamptz, int) from public;
