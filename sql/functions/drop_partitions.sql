-- drop_partitions(before) -> names of the tables dropped
-- Retention: drops every partition that ends at or before a time and of whose instances all have
-- ended, with the idempotency keys of those instances. Each is locked and then looked at again.
-- Errors: lock_not_available where another session holds the tables for more than 2 s: call again.
create or replace function onceflow.drop_partitions(p_before timestamptz) returns setof text
language plpgsql volatile security definer set search_path = '' as $$
declare
    v_suffix text;
    v_open boolean;
    v_name text;
begin
    perform set_config('lock_timeout', '2s', true);
    for v_suffix in
        select substring(c.relname from 'instance(_[0-9]{8})$')
        from pg_inherits h
        join pg_class c on c.oid = h.inhrelid
        where h.inhparent = 'onceflow.instance'::regclass
            and to_date(right(c.relname, 8), 'YYYYMMDD')::timestamp at time zone 'UTC' + interval '7 days' <= p_before
        order by c.relname
    loop
        execute format('lock table onceflow.%I in access exclusive mode', 'instance' || v_suffix);
        execute format('select exists (select from onceflow.%I where ended_at is null)', 'instance' || v_suffix)
        into v_open;
        continue when v_open;
        execute format('delete from onceflow.idempotency_key k using onceflow.%I i where k.instance_id = i.id',
            'instance' || v_suffix);
        foreach v_name in array array['task_log', 'task', 'instance'] loop
            execute format('drop table onceflow.%I', v_name || v_suffix);
            return next v_name || v_suffix;
        end loop;
    end loop;
end $$;
revoke execute on function onceflow.drop_partitions(timestamptz) from public;
