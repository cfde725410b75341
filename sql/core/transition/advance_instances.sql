-- advance_instances(sorted ids, changes, ended, due, failed, undone, discarded, worker, token, call, room)
--   -> changes, granted   (internal)
-- Moves instances on, wave by wave, until nothing more is due that needs no worker. p_changes are those made so far,
-- with which o_changes begins; p_ended the tasks that pass their edges, p_due the steps to be made, p_failed the tasks
-- that have failed for good (their rows are open dead letters), p_undone the scopes of which a compensation has ended.
-- In a wave failures are judged, then scopes that have ended are counted, blocks decide, and what is due is made; what
-- of it needs no worker, or is skipped, ends at once and passes on in the next. o_granted counts what was handed off. One
-- transition makes 1,000 waves at most, or 10,000 changes (is_cut); what is left goes on in the next, p_touched being the scopes to look at then.
create or replace function onceflow.advance_instances(
    p_ids uuid[], p_changes onceflow.change[], p_ended onceflow.placed_task[], p_due onceflow.placed_task[],
    p_failed onceflow.task_key[] default '{}', p_undone onceflow.scope_key[] default '{}',
    p_discarded boolean default false, p_opened onceflow.scope_key[] default '{}',
    p_touched onceflow.scope_key[] default '{}',
    p_worker_id uuid default null, p_token uuid default null, p_call bigint default 0, p_room int default 0,
    out o_changes onceflow.change[], out o_granted int)
language plpgsql volatile as $$
declare
    v_ended onceflow.placed_task[] := p_ended;
    v_due onceflow.placed_task[] := p_due;
    v_failed onceflow.task_key[] := p_failed;
    v_undone onceflow.scope_key[] := p_undone;
    v_handled onceflow.task_key[] := '{}';
    -- Of instances without blocks nothing of scopes is ever looked at.
    v_scoped boolean := exists (select from unnest(p_changes) c where c.scope > 0)
        or exists (select from unnest(p_due) d where d.scope > 0) or cardinality(p_opened || p_touched) > 0;
    -- How many of the changes have been counted for their scopes.
    v_counted int := 0;
    v_counts onceflow.scope_count[];
    v_pending onceflow.scope_count[] := '{}';
    -- What a cut has left due is made first, as it would have been in its wave.
    v_touched onceflow.scope_key[] := case when cardinality(p_due) = 0 then p_touched else '{}' end;
    v_waves int := 0;
    v_opened onceflow.scope_key[] := p_opened;
    v_unwinding onceflow.task_key[] := '{}';
    v_undoing onceflow.task_key[] := '{}';
    -- It is said of p_failed alone, not of what fails in a later wave.
    v_discarded boolean := p_discarded and cardinality(p_failed) > 0;
    v_part record;
begin
    o_changes := p_changes; o_granted := 0;
    loop
        if cardinality(v_failed) > 0 then
            v_part := onceflow.judge_failures(p_ids, v_failed, v_ended, v_due, v_discarded, p_token);
            v_ended := v_part.o_ended; v_due := v_part.o_due; v_discarded := false;
            v_scoped := v_scoped or v_part.o_scoped;
            o_changes := o_changes || v_part.o_changes;
            v_handled := v_handled || v_part.o_handled;
            v_touched := v_touched || v_part.o_touched;
            v_unwinding := v_part.o_unwinding; v_failed := '{}';
        end if;
        if cardinality(v_ended) > 0 then
            v_part := onceflow.pass_edges(p_ids, v_ended);
            v_due := v_due || v_part.o_due; v_ended := '{}';
            o_changes := o_changes || v_part.o_changes;
        end if;
        if cardinality(v_undone) > 0 then
            v_due := v_due || onceflow.find_tasks(p_ids, onceflow.next_compensations(p_ids, v_undone));
            v_undone := '{}';
        end if;
        if v_scoped then
            v_counts := onceflow.scope_counts(o_changes[v_counted + 1 :]);
            v_counted := cardinality(o_changes); v_pending := v_pending || v_counts;
            -- Where tasks have only opened no scope can end.
            exit when cardinality(v_due) = 0 and 0 < all (select c.opened from unnest(v_counts) c)
                and cardinality(v_touched) = 0 and cardinality(v_opened) = 0 and cardinality(v_undoing) = 0
                and cardinality(v_unwinding) = 0;
            v_part := onceflow.move_scopes(p_ids, v_pending, v_touched, v_opened, v_unwinding, v_undoing, v_due, p_token);
            o_changes := o_changes || v_part.o_changes;
            v_pending := v_part.o_left;
            v_touched := v_part.o_touched;
            v_due := v_part.o_due; v_failed := v_part.o_failed; v_opened := '{}'; v_unwinding := '{}'; v_undoing := '{}';
        end if;
        v_waves := v_waves + 1;
        if onceflow.is_cut(v_waves, cardinality(o_changes) - cardinality(p_changes)) and cardinality(v_failed) = 0 then
            v_part := onceflow.cut_waves(p_ids, v_due, v_touched, o_changes[v_counted + 1 :]);
            o_changes := o_changes || v_part.o_changes; v_pending := v_pending || v_part.o_counts;
            exit;
        end if;
        if cardinality(v_due) > 0 then
            v_part := onceflow.make_tasks(p_ids, v_due, p_worker_id, p_token, p_call, p_room - o_granted);
            o_changes := o_changes || v_part.o_changes;
            o_granted := o_granted + v_part.o_granted;
            v_ended := v_part.o_ended;
            v_failed := v_failed || v_part.o_dead;
            v_due := v_part.o_jumped; v_undoing := v_part.o_undoing;
            if cardinality(v_part.o_begun) > 0 then
                v_part := onceflow.begin_blocks(p_ids, v_part.o_begun);
                o_changes := o_changes || v_part.o_changes;
                v_ended := v_ended || v_part.o_ended;
                v_opened := v_part.o_opened;
                v_failed := v_failed || v_part.o_failed;
            end if;
            v_scoped := v_scoped or cardinality(v_opened) > 0 or cardinality(v_undoing) > 0;
        end if;
        v_touched := v_touched || case when v_waves = 1 and cardinality(p_due) > 0 then p_touched else '{}' end;
        exit when not v_scoped and cardinality(v_ended) = 0 and cardinality(v_failed) = 0 and cardinality(v_due) = 0;
    end loop;
    if cardinality(v_pending) > 0 then
        perform onceflow.count_scopes(p_ids, v_pending);
    end if;
    if cardinality(v_handled) > 0 then
        o_changes := onceflow.merge_judged(o_changes, v_handled);
    end if;
end $$;
revoke execute on function onceflow.advance_instances(
    uuid[], onceflow.change[], onceflow.placed_task[], onceflow.placed_task[], onceflow.task_key[],
    onceflow.scope_key[], boolean, onceflow.scope_key[], onceflow.scope_key[], uuid, uuid, bigint, int) from public;
