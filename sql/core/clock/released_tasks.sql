-- released_tasks(limit) -> task_key[]   (internal)
-- What waits for queues that have been resumed, at most so many; where nothing is left of any the clock looks no
-- more. A claim that holds something for a queue locks the queue's row until it is over, so none is overlooked.
create or replace function onceflow.released_tasks(p_limit int) returns onceflow.task_key[]
language plpgsql volatile as $$
declare
    v_queues text[] := array(
        select q.name from onceflow.queue q where q.releasing and q.paused_at is null order by q.name);
    v_keys onceflow.task_key[];
begin
    if p_limit <= 0 or cardinality(v_queues) = 0 then
        return '{}';
    end if;
    v_keys := array(
        select row(t.instance_id, t.step, t.scope, t.visit)::onceflow.task_key
        from onceflow.task t where t.held_by = 'pause' and t.queue = any (v_queues) limit p_limit);
    if cardinality(v_keys) = 0 then
        v_queues := array(select l.name from (
            select q.name from onceflow.queue q
            where q.name = any (v_queues) and q.releasing and q.paused_at is null
            order by q.name
            for no key update skip locked) l);
        update onceflow.queue q set releasing = false
        where q.name = any (v_queues) and not exists (
            select from onceflow.task t where t.held_by = 'pause' and t.queue = q.name);
    end if;
    return v_keys;
end $$;
revoke execute on function onceflow.released_tasks(int) from public;
