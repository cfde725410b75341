-- advance_instances(ids, ended, due, worker, token, call, room) -> changes, granted   (internal)
-- Moves instances on: what the ended tasks make due, and the steps in p_due, are made, and what of it
-- needs no worker, or is skipped, ends at once and passes on, set by set, until nothing more is due. o_granted counts
-- what was handed off.
-- A step whose expression fails is handled by its policy (apply_failure_policy).
create or replace function onceflow.advance_instances(
    p_ids uuid[], p_ended onceflow.placed_task[], p_due onceflow.placed_task[],
    p_worker_id uuid default null, p_token uuid default null, p_call bigint default 0, p_room int default 0,
    out o_changes onceflow.change[], out o_granted int)
language plpgsql volatile as $$
declare
    v_ended onceflow.placed_task[] := p_ended;
    v_due onceflow.placed_task[] := p_due;
    v_dead onceflow.task_key[] := '{}';
    v_passed record;
    v_made record;
begin
    o_changes := '{}';
    o_granted := 0;
    loop
        if cardinality(v_ended) > 0 then
            v_passed := onceflow.pass_edges(p_ids, v_ended);
            v_due := v_due || v_passed.o_due;
            o_changes := o_changes || v_passed.o_changes;
        end if;
        exit when cardinality(v_due) = 0;
        v_made := onceflow.make_tasks(p_ids, v_due, p_worker_id, p_token, p_call, p_room - o_granted);
        o_changes := o_changes || v_made.o_changes;
        o_granted := o_granted + v_made.o_granted;
        v_dead := v_dead || v_made.o_dead;
        v_ended := v_made.o_ended;
        v_due := '{}';
    end loop;
    if cardinality(v_dead) > 0 then
        o_changes := o_changes || onceflow.apply_failure_policy(p_ids, v_dead);
    end if;
end $$;
revoke execute on function onceflow.advance_instances(
    uuid[], onceflow.placed_task[], onceflow.placed_task[], uuid, uuid, bigint, int) from public;
