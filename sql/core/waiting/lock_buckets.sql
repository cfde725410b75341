-- lock_buckets(names, keys, exclusive) -> void   (internal)
-- Locks the rows of events' names and keys, in order: shared by who begins to wait for one, alone by who sends one, each
-- before he looks for the other. Who waits holds instances; who sends holds none. A transition whose waits begin in several waves
-- could stand crosswise with who sends several, so it waits for nobody from the second on.
-- Errors: 40P01 where one of a second set is held: nothing has happened, the call is to be repeated.
create or replace function onceflow.lock_buckets(p_names text[], p_keys text[], p_exclusive boolean) returns void
language plpgsql volatile as $$
declare
    v_buckets constant int[] := array(
        select distinct hashtext(k.name || '/' || k.key) & 1023 as bucket
        from unnest(p_names, p_keys) k (name, key) order by bucket);
    v_locked int;
begin
    if p_exclusive then
        perform from onceflow.event_lock e where e.bucket = any (v_buckets) order by e.bucket for update;
    elsif current_setting('onceflow.buckets', true) is distinct from pg_current_xact_id()::text then
        perform from onceflow.event_lock e where e.bucket = any (v_buckets) order by e.bucket for share;
        perform set_config('onceflow.buckets', pg_current_xact_id()::text, true);
    else
        select count(*) into v_locked from (
            select from onceflow.event_lock e where e.bucket = any (v_buckets) for share skip locked) l;
        if v_locked < cardinality(v_buckets) then
            raise deadlock_detected using message = 'an event is being sent that a step begins to wait for',
                hint = 'Call again: nothing has been changed.';
        end if;
    end if;
end $$;
revoke execute on function onceflow.lock_buckets(text[], text[], boolean) from public;
