-- complete_alone(worker, instance, step, fence, output, token, call, room) -> change, ended, undone, moved, grant   (internal)
-- Locks an instance, ends one attempt in no scope with its output, and moves the instance on where what follows is plain
-- (advance_alone). o_change is null where the fence is not, or no longer, the task's, and nothing was changed; o_moved: all is
-- done. Else the instance is to be moved on as one of a set.
-- Errors: WF004 (require_read_committed).
create or replace function onceflow.complete_alone(
    p_worker_id uuid, p_id uuid, p_step text, p_fence uuid, p_output jsonb, p_token uuid, p_call bigint,
    p_room int,
    out o_change onceflow.change, out o_ended onceflow.placed_task, out o_undone boolean,
    out o_moved boolean, out o_grant onceflow.hand_off)
language plpgsql volatile as $$
declare
    v_now constant timestamptz := onceflow.now();
    v_instance onceflow.instance;
    v_seq int;
    v_task record;
    v_advanced record;
begin
    o_moved := false;
    if not onceflow.is_read_committed() then
        perform onceflow.require_read_committed();
    end if;
    -- Of the row that it waits for, alone of all that it reads, a statement has what was committed meanwhile.
    select i.* into v_instance from onceflow.instance i where i.id = p_id for no key update;
    v_seq := v_instance.seq + 1;
    update onceflow.task t
    set state = 'SUCCEEDED', output = p_output, seq = v_seq, error = null,
        worker_id = null, call = null, due_at = null, changed_at = v_now
    where t.instance_id = v_instance.id and t.step = p_step and t.scope = 0 and t.visit = 0
        and t.state in ('RUNNING', 'WAITING') and t.fence = p_fence -- WAITING: deferred
    returning t.attempt, t.queue, t.undoes_seq into v_task;
    if not found then
        return;
    end if;
    o_change := onceflow.task_change(p_id, p_step, 0, 0, v_task.attempt, 'RUNNING', 'SUCCEEDED', v_task.queue,
        p_worker_id, null, v_seq);
    o_undone := v_task.undoes_seq is not null;
    if not o_undone then
        v_advanced := onceflow.advance_alone(v_instance, p_step, null, o_change, v_now, p_worker_id, p_token, p_call, p_room);
        o_moved := v_advanced.o_moved;
        o_grant := v_advanced.o_grant;
    end if;
    if not o_moved then
        o_ended := onceflow.placed_task(p_id, p_step, 0, 0, v_instance.version_id, v_seq, v_instance.state,
            case when v_instance.suspended_by = 'operator' then v_instance.suspended_at end);
    end if;
end $$;
revoke execute on function onceflow.complete_alone(uuid, uuid, text, uuid, jsonb, uuid, bigint, int) from public;
