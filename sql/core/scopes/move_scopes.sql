-- move_scopes(sorted ids, pending counts, touched, opened, unwinding, undo rows, due, token)
--   -> (changes, left, touched, due, failed)   (internal)
-- The part of a wave that concerns scopes: those in which nothing is open any more end or begin their way back, their
-- blocks decide, what blocks leave behind closes, ways back go on, and what has opened begins. p_due is what is due
-- already, o_due all that is due then; o_left what the rows of scopes do not count yet, o_touched the scopes for the
-- next wave to look at, o_failed the blocks that have failed themselves.
create or replace function onceflow.move_scopes(
    p_ids uuid[], p_pending onceflow.scope_count[], p_touched onceflow.scope_key[], p_opened onceflow.scope_key[],
    p_unwinding onceflow.task_key[], p_undoing onceflow.task_key[], p_due onceflow.placed_task[], p_token uuid,
    out o_changes onceflow.change[], out o_left onceflow.scope_count[], out o_touched onceflow.scope_key[],
    out o_due onceflow.placed_task[], out o_failed onceflow.task_key[])
language plpgsql volatile as $$
declare
    v_settled record;
    v_decided record;
    v_part record;
    v_opened onceflow.scope_key[] := '{}';
    v_shut onceflow.scope_key[];
    v_shut_counts onceflow.scope_count[] := '{}';
    v_undoing onceflow.task_key[] := p_undoing;
    v_lost onceflow.closing_scope[];
    v_ended onceflow.placed_task[];
begin
    if cardinality(p_opened) > 0 then
        -- What opened in the wave before, and has been closed since, begins with nothing.
        select coalesce(array_agg(k) filter (where s.state = 'OPEN'), '{}'),
            coalesce(array_agg(k) filter (where s.state <> 'OPEN'), '{}')
        into v_opened, v_shut
        from unnest(p_opened) k
        cross join lateral (
            select s.state from onceflow.scope s
            where s.instance_id = k.instance_id and s.scope = k.scope offset 0) s;
        if cardinality(v_shut) > 0 then
            v_shut_counts := (onceflow.first_steps(p_ids, v_shut)).o_counts;
        end if;
    end if;
    v_settled := onceflow.settle_scopes(p_ids, p_pending || v_shut_counts, p_touched || v_shut, p_due);
    o_changes := v_settled.o_changes;
    o_left := v_settled.o_left;
    o_due := p_due;
    o_failed := '{}';
    if cardinality(v_settled.o_planned) > 0 then
        v_part := onceflow.plan_undo(p_ids, v_settled.o_planned);
        o_changes := o_changes || v_part.o_changes;
        o_due := o_due || v_part.o_due;
    end if;

    v_decided := onceflow.decide_blocks(v_settled.o_counts);
    o_changes := o_changes || v_decided.o_changes;
    o_touched := v_decided.o_touched;
    v_opened := v_opened || v_decided.o_opened;
    v_ended := v_decided.o_ended;
    if cardinality(v_decided.o_chains) > 0 then
        v_part := onceflow.move_chains(p_ids, v_decided.o_chains);
        o_changes := o_changes || v_part.o_changes;
        v_ended := v_ended || v_part.o_ended;
        v_opened := v_opened || v_part.o_opened;
        o_failed := v_part.o_failed;
    end if;
    v_lost := v_settled.o_late || v_decided.o_lost;
    if cardinality(v_lost) > 0 then
        v_part := onceflow.close_scopes(p_ids, v_lost, '{}', p_token);
        o_changes := o_changes || v_part.o_changes;
        o_touched := o_touched || v_part.o_touched;
        o_due := array(
            select d from unnest(o_due) d
            where d.scope = 0 or d.step like '%.compensate'
                or onceflow.own_state(d.instance_id, d.scope, d.state) = 'RUNNING');
        v_ended := onceflow.find_tasks(p_ids, array(
            select row(e.instance_id, e.step, e.scope, e.visit)::onceflow.task_key from unnest(v_ended) e));
    end if;

    if cardinality(o_failed) > 0 then
        v_part := onceflow.fail_blocks(o_failed);
        o_changes := o_changes || v_part.o_changes;
        o_failed := v_part.o_failed;
    end if;
    -- Ways back of blocks: what begins, what goes on, what is done.
    if cardinality(p_unwinding || v_decided.o_unwinding) > 0 then
        v_part := onceflow.unwind_blocks(p_ids, p_unwinding || v_decided.o_unwinding);
        o_changes := o_changes || v_part.o_changes;
        v_ended := v_ended || v_part.o_ended;
        v_undoing := v_undoing || v_part.o_undoing;
    end if;
    v_part := onceflow.undo_blocks(p_ids, v_undoing || v_decided.o_undoing);
    o_changes := o_changes || v_part.o_changes;
    o_left := o_left || v_part.o_counts;
    o_due := o_due || v_part.o_due;
    v_ended := v_ended || v_part.o_ended;

    if cardinality(v_ended) > 0 then
        v_part := onceflow.pass_edges(p_ids, v_ended);
        o_changes := o_changes || v_part.o_changes;
        o_due := o_due || v_part.o_due;
    end if;
    if cardinality(v_opened) > 0 then
        v_part := onceflow.first_steps(p_ids, v_opened);
        o_due := o_due || v_part.o_due;
        o_left := o_left || v_part.o_counts;
    end if;
end $$;
revoke execute on function onceflow.move_scopes(
    uuid[], onceflow.scope_count[], onceflow.scope_key[], onceflow.scope_key[], onceflow.task_key[],
    onceflow.task_key[], onceflow.placed_task[], uuid) from public;
