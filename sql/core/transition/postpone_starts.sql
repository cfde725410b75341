-- postpone_starts(started ids, ids, start times, now) -> change[]   (internal)
-- Of the instances that a call has just started those that are to start later: their first steps wait, without an
-- input, until the clock makes them due (begin_steps), and their deadline counts from then. An id is null where
-- its item started nothing, since its key names another instance.
create or replace function onceflow.postpone_starts(
    p_started uuid[], p_ids uuid[], p_start_at timestamptz[], p_now timestamptz)
returns onceflow.change[]
language plpgsql volatile as $$
declare
    v_ids uuid[];
    v_times timestamptz[];
    v_changes onceflow.change[];
begin
    select array_agg(k.id order by k.id), array_agg(k.at order by k.id)
    into v_ids, v_times
    from (
        -- Of an id that stands twice the first item has started it.
        select distinct on (k.id) k.id, k.at
        from unnest(p_ids, p_start_at) with ordinality k (id, at, n)
        where k.id = any (p_started)
        order by k.id, k.n) k
    where k.at > p_now;
    if v_ids is null then
        return '{}';
    end if;
    update onceflow.instance i
    set start_at = k.at, deadline_at = k.at + (
        select v.deadline from onceflow.workflow_version v where v.id = i.version_id)
    from unnest(v_ids, v_times) k (id, at)
    where i.id = k.id and i.id >= v_ids[1] and i.state = 'RUNNING';
    with waiting as (
        insert into onceflow.task (instance_id, step, state, due_at, changed_at)
        select k.id, s.step, 'WAITING', k.at, p_now
        from unnest(v_ids, v_times) k (id, at)
        join onceflow.instance i on i.id = k.id and i.id >= v_ids[1]
        join onceflow.step s
            on s.version_id = i.version_id and s.block is null and s.join_count = 0
            and s.is_forward
        order by k.id, s.step
        returning instance_id, step
    )
    select array_agg(onceflow.task_change(w.instance_id, w.step, 0, 0, 0, null, 'WAITING', p_seq => 1))
    into v_changes
    from waiting w;
    return v_changes;
end $$;
revoke execute on function onceflow.postpone_starts(
    uuid[], uuid[], timestamptz[], timestamptz) from public;
