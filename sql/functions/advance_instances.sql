-- advance_instances(ids, ended, due, worker, token, call, room) -> change[]   (internal)
-- Moves instances on: what the ended tasks make due, and the steps in p_due, are made, and what is
-- skipped by them ends at once and passes on, set by set, until nothing more is due.
-- A step whose expression fails is handled by its policy (settle_dead_letters).
create or replace function onceflow.advance_instances(
    p_ids uuid[], p_ended onceflow.task_key[], p_due onceflow.task_key[],
    p_worker_id uuid default null, p_token uuid default null, p_call bigint default 0, p_room int default 0)
returns onceflow.change[]
language plpgsql volatile set search_path = '' as $$
declare
    v_ended onceflow.task_key[] := p_ended;
    v_due onceflow.task_key[] := p_due;
    v_new onceflow.change[];
    v_changes onceflow.change[] := '{}';
    v_dead onceflow.task_key[] := '{}';
begin
    while cardinality(v_ended) + cardinality(v_due) > 0 loop
        if cardinality(v_ended) > 0 then
            select v_due || e.o_due, v_changes || e.o_changes into v_due, v_changes
            from onceflow.pass_edges(p_ids, v_ended) e;
        end if;
        v_new := onceflow.make_tasks(p_ids, v_due, p_worker_id, p_token, p_call,
            p_room - (select count(*)::int from unnest(v_changes) c where c.state = 'RUNNING'));
        v_changes := v_changes || v_new;
        v_dead := v_dead || onceflow.changed_to(v_new, 'DEAD_LETTER');
        v_due := '{}';
        v_ended := onceflow.changed_to(v_new, 'SKIPPED');
    end loop;
    return v_changes || onceflow.settle_dead_letters(p_ids, v_dead);
end $$;
revoke execute on function onceflow.advance_instances(
    uuid[], onceflow.task_key[], onceflow.task_key[], uuid, uuid, bigint, int) from public;
