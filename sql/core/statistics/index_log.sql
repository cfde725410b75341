-- index_log() -> void   (internal)
-- Has the index by time tell of what the log has gained, which it does else once autovacuum comes round: until then each look
-- at a minute, or a second, reads all of that. A partition that is being vacuumed is left out.
create or replace function onceflow.index_log() returns void
language plpgsql volatile as $$
declare
    v_index regclass;
begin
    for v_index in
        select x.oid
        from pg_inherits h
        join pg_class c on c.oid = h.inhrelid
        join pg_index i on i.indrelid = c.oid
        join pg_class x on x.oid = i.indexrelid
        join pg_am a on a.oid = x.relam and a.amname = 'brin'
        where h.inhparent = 'onceflow.task_log'::regclass
        order by c.relname desc limit 5
    loop
        begin
            perform brin_summarize_new_values(v_index);
        exception when lock_not_available then
            null;
        end;
    end loop;
end $$;
revoke execute on function onceflow.index_log() from public;
