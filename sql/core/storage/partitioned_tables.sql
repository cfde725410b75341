-- partitioned_tables() -> (name, fillfactor)   (internal)
-- The tables that have a partition for each week, in the order in which they are locked: what is made and dropped
-- goes by this list.
create or replace function onceflow.partitioned_tables() returns table (name text, fillfactor int)
language sql immutable as $$
    select * from (values ('instance', 70), ('task', 80), ('block', 70), ('scope', 70), ('wait', 100),
        ('delivery', 90), ('child', 90), ('task_log', 100)) t (name, fillfactor)
$$;
revoke execute on function onceflow.partitioned_tables() from public;
