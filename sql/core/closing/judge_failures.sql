-- judge_failures(sorted ids, tasks, ended, due, discarded, token)
--   -> (changes, touched, unwinding, handled, ended, due, scoped)   (internal)
-- What follows for instances from tasks that have failed for good, their rows being open dead letters already; those of
-- one instance are judged together, in the order of their paths, on the state before. Who handles it is found from the
-- task outwards (find_handler); what lies between closes, and the task is FAILED. Where nobody does the policy acts.
-- o_unwinding are blocks that have failed, and in which nothing is left to end. o_handled are
-- the tasks that are no dead letters; o_ended and o_due are what still counts of p_ended and p_due; o_scoped: it concerns scopes.
create or replace function onceflow.judge_failures(
    p_ids uuid[], p_keys onceflow.task_key[], p_ended onceflow.placed_task[], p_due onceflow.placed_task[],
    p_discarded boolean, p_token uuid,
    out o_changes onceflow.change[], out o_touched onceflow.scope_key[],
    out o_unwinding onceflow.task_key[], out o_handled onceflow.task_key[],
    out o_ended onceflow.placed_task[], out o_due onceflow.placed_task[], out o_scoped boolean)
language plpgsql volatile as $$
declare
    -- Whose scopes and blocks are FAILED with them, where they close: a way back fails nothing.
    v_failed constant onceflow.task_key[] := array(
        select k::onceflow.task_key from unnest(p_keys) k where k.step not like '%.compensate');
    v_key record;
    v_found record;
    v_borne jsonb := '{}';
    v_scopes onceflow.closing_scope[] := '{}';
    v_asked onceflow.task_key[];
    v_unhandled onceflow.task_key[] := '{}';
    v_blocks onceflow.task_key[] := '{}';
    v_suspended onceflow.task_key[] := '{}';
    v_plans onceflow.chain_plan[] := '{}';
    v_closed record;
    v_closes boolean := false;
begin
    o_changes := '{}'; o_touched := '{}'; o_unwinding := '{}'; o_handled := '{}'; o_ended := p_ended; o_due := p_due;
    -- Around what fails in the instance itself there is nobody to be asked.
    select coalesce(array_agg(f.key) filter (where f.asked), '{}'),
        coalesce(array_agg(f.key) filter (where not f.asked), '{}')
    into v_asked, v_unhandled
    from (
        select row(k.instance_id, k.step, k.scope, k.visit)::onceflow.task_key as key,
            k.scope > 0 or exists (
                select from onceflow.block b
                where b.instance_id = k.instance_id and b.step = k.step and b.scope = 0 and b.visit = k.visit) as asked
        from unnest(p_keys) k) f;
    for v_key in
        select row(k.instance_id, k.step, k.scope, k.visit)::onceflow.task_key as key, k.*, i.version_id
        from unnest(v_asked) k
        join onceflow.instance i on i.id = k.instance_id
        order by k.instance_id, (onceflow.scope_path(k.instance_id, k.scope) || k.step) collate "C", k.visit
    loop
        v_found := onceflow.find_handler(v_key.instance_id, v_key.version_id, v_key.key, v_borne, p_discarded);
        case v_found.o_kind
            when 'tolerate' then
                v_borne := v_found.o_borne;
                v_scopes := v_scopes || row(v_key.instance_id, v_found.o_scope, true, v_found.o_undoes)::onceflow.closing_scope;
            when 'catch' then
                v_scopes := v_scopes || row(v_key.instance_id, v_found.o_scope, true, v_found.o_undoes)::onceflow.closing_scope;
                v_plans := v_plans || row(v_key.instance_id, v_found.o_scope, v_found.o_list, v_key.key)::onceflow.chain_plan;
            when 'continue' then
                v_blocks := v_blocks || row(v_key.instance_id, v_found.o_block, v_found.o_scope, v_found.o_visit)
                    ::onceflow.task_key;
            when 'close' then v_unhandled := v_unhandled || v_key.key;
            else v_suspended := v_suspended || v_key.key;
        end case;
        if v_found.o_kind in ('close', 'suspend') then
            -- A block that failed itself is one whose scopes close, though it waits: nothing in it runs again.
            v_scopes := v_scopes || onceflow.block_scopes(v_key.key, true, v_found.o_undoes);
        end if;
    end loop;
    if cardinality(v_unhandled) > 0 then
        o_changes := onceflow.apply_failure_policy(p_ids, v_unhandled, v_failed, p_discarded, p_token);
        v_closes := exists (select from unnest(o_changes) c where c.step is null and c.state = 'CLOSING');
    end if;

    -- Where the instance closes, all of it does.
    v_blocks := array(
        select distinct k::onceflow.task_key from unnest(v_blocks) k
        join onceflow.instance i on i.id = k.instance_id and i.state = 'RUNNING');
    perform onceflow.begin_unwinding(p_ids, v_blocks, v_failed);
    select v_scopes || coalesce(array_agg(s), '{}') into v_scopes
    from unnest(v_blocks) k
    cross join lateral unnest(onceflow.block_scopes(
        row(k.instance_id, k.step, k.scope, k.visit)::onceflow.task_key, false, true)) s;
    v_scopes := array(
        select s from unnest(v_scopes) s
        join onceflow.instance i on i.id = s.instance_id and i.state = 'RUNNING');
    if cardinality(v_scopes) > 0 then
        v_closed := onceflow.close_scopes(p_ids, v_scopes, v_failed, p_token);
        o_changes := o_changes || v_closed.o_changes;
        o_touched := v_closed.o_touched;
        v_closes := true;
    end if;
    if cardinality(v_plans) > 0 then
        perform onceflow.plan_next(v_plans);
    end if;
    o_unwinding := onceflow.drained_blocks(v_blocks);
    if v_closes then
        o_ended := onceflow.find_tasks(p_ids, array(
            select row(e.instance_id, e.step, e.scope, e.visit)::onceflow.task_key from unnest(p_ended) e));
        o_due := onceflow.still_due(p_due);
    end if;
    o_scoped := cardinality(o_unwinding) > 0 or exists (select from unnest(o_changes) c where c.scope > 0);
    -- Only now: of what another failure has closed close_scopes() tells, and a row would be written twice.
    perform onceflow.note_dead_letters(array(
        select distinct k.instance_id from unnest(v_suspended) k order by 1));
    o_handled := onceflow.handled_tasks(p_keys);
end $$;
revoke execute on function onceflow.judge_failures(
    uuid[], onceflow.task_key[], onceflow.placed_task[], onceflow.placed_task[], boolean, uuid) from public;
