-- lock_queued(keys) -> void   (internal)
-- Locks those of the tasks that a claim may be after, in the order of their keys: one that came before has made its task
-- RUNNING by then, one that comes later finds what was decided. Claims lock in that order, too; a transition that
-- locks a second set (it closes something in a later wave) could stand crosswise with one, so it waits for nobody then.
-- Errors: 40P01 where a claim holds one of a second set: nothing has happened, the call is to be repeated.
create or replace function onceflow.lock_queued(p_keys onceflow.task_key[]) returns void
language plpgsql volatile as $$
declare
    v_queued onceflow.task_key[] := array(
        select row(k.instance_id, k.step, k.scope, k.visit)::onceflow.task_key
        from unnest(p_keys) k
        cross join lateral (
            select from onceflow.task t
            where t.instance_id = k.instance_id and t.step = k.step and t.scope = k.scope and t.visit = k.visit
                and t.state = 'QUEUED' offset 0) t);
    v_locked int;
begin
    if cardinality(v_queued) = 0 then
        return;
    elsif current_setting('onceflow.locked', true) is distinct from pg_current_xact_id()::text then
        perform onceflow.lock_tasks(v_queued, 'QUEUED');
        perform set_config('onceflow.locked', pg_current_xact_id()::text, true);
        return;
    end if;
    select count(*) into v_locked from (
        select from onceflow.task t
        join unnest(v_queued) k on t.instance_id = k.instance_id and t.step = k.step
            and t.scope = k.scope and t.visit = k.visit
        for no key update of t skip locked) l;
    if v_locked < cardinality(v_queued) then
        raise deadlock_detected using message = 'a claim is under way of a task that is to end',
            hint = 'Call again: nothing has been changed.';
    end if;
end $$;
revoke execute on function onceflow.lock_queued(onceflow.task_key[]) from public;
