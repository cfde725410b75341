-- drop_partitions(before) -> names of the tables dropped
-- Retention: drops every weekly partition of which all instances ended before a time, with their
-- idempotency keys (a key's life counts from the end of its instance). What is to be dropped is looked
-- for without a lock, then the tables are locked, parents first, and looked at again.
-- Errors: lock_not_available where another session holds the tables for more than 2 s: call again.
create or replace function onceflow.drop_partitions(p_before timestamptz) returns setof text
language plpgsql volatile security definer set search_path = pg_catalog, pg_temp as $$
declare
    v_look constant text :=
        'select not exists (select from onceflow.%I where ended_at is null or ended_at >= $1)';
    v_suffix text;
    v_done boolean;
    v_locked boolean := false;
    v_name text;
begin
    perform set_config('lock_timeout', '2s', true);
    for v_suffix in
        select substring(c.relname from 'instance(_[0-9]{8})$')
        from pg_inherits h
        join pg_class c on c.oid = h.inhrelid
        where h.inhparent = 'onceflow.instance'::regclass
            and to_date(right(c.relname, 8), 'YYYYMMDD')::timestamp at time zone 'UTC' + interval '7 days'
                -- An id may be an hour old.
                <= least(p_before, clock_timestamp() - interval '1 hour')
        order by c.relname
    loop
        execute format(v_look, 'instance' || v_suffix) into v_done using p_before;
        continue when not v_done;
        if not v_locked then
            lock table only onceflow.instance, only onceflow.task, only onceflow.task_log
                in access exclusive mode;
            v_locked := true;
        end if;
        execute format('lock table onceflow.%I, onceflow.%I, onceflow.%I in access exclusive mode',
            'instance' || v_suffix, 'task' || v_suffix, 'task_log' || v_suffix);
        execute format(v_look, 'instance' || v_suffix) into v_done using p_before;
        continue when not v_done;
        execute format('delete from onceflow.idempotency_key k using onceflow.%I i where k.instance_id = i.id',
            'instance' || v_suffix);
        foreach v_name in array array['task_log', 'task', 'instance'] loop
            execute format('drop table onceflow.%I', v_name || v_suffix);
            return next v_name || v_suffix;
        end loop;
    end loop;
end $$;
revoke execute on function onceflow.drop_partitions(timestamptz) from public;
