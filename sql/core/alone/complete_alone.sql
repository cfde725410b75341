-- complete_alone(worker, instance, step, fence, output, token, call, room) -> change, ended, undone, moved, grant   (internal)
-- Ends one attempt in no scope with its output, and moves its instance on where what follows is plain (advance_alone).
-- Its instance is locked, so its row is nobody else's to change. o_change is null where the fence is not, or no longer, the
-- task's, and nothing was changed; o_moved: all is done. Else the instance is to be moved on as one of a set.
create or replace function onceflow.complete_alone(
    p_worker_id uuid, p_instance_id uuid, p_step text, p_fence uuid, p_output jsonb, p_token uuid, p_call bigint, p_room int,
    out o_change onceflow.change, out o_ended onceflow.placed_task, out o_undone boolean,
    out o_moved boolean, out o_grant onceflow.hand_off)
language plpgsql volatile as $$
declare
    v_now constant timestamptz := onceflow.now();
    v_task record;
    v_advanced record;
begin
    update onceflow.task t
    set state = 'SUCCEEDED', output = p_output, seq = i.seq + 1, error = null,
        worker_id = null, call = null, due_at = null, changed_at = v_now
    from onceflow.instance i
    where i.id = p_instance_id and t.instance_id = p_instance_id and t.step = p_step and t.scope = 0 and t.visit = 0
        and t.state in ('RUNNING', 'WAITING') and t.fence = p_fence -- WAITING: deferred
    returning t.attempt, t.queue, t.undoes_seq, i.version_id, t.seq, i.state,
        case when i.suspended_by = 'operator' then i.suspended_at end as suspended_at into v_task;
    if not found then
        o_moved := false;
        return;
    end if;
    o_change := onceflow.task_change(p_instance_id, p_step, 0, 0, v_task.attempt, 'RUNNING', 'SUCCEEDED', v_task.queue,
        p_worker_id, null, v_task.seq);
    o_ended := onceflow.placed_task(p_instance_id, p_step, 0, 0, v_task.version_id, v_task.seq, v_task.state,
        v_task.suspended_at);
    o_undone := v_task.undoes_seq is not null;
    o_moved := false;
    if o_undone then
        return;
    end if;
    v_advanced := onceflow.advance_alone(o_ended, null, array[o_change], v_now, p_worker_id, p_token, p_call, p_room);
    o_moved := v_advanced.o_moved;
    o_grant := v_advanced.o_grant;
end $$;
revoke execute on function onceflow.complete_alone(uuid, uuid, text, uuid, jsonb, uuid, bigint, int) from public;
