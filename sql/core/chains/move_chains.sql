-- move_chains(sorted ids, blocks, given) -> (changes, ended, opened, failed)   (internal)
-- Moves on repeats and tries of locked instances that begin, of which a scope has ended, or whose wait is over: the next scope
-- opens, or they wait, end, or fail (their rows have the error then: fail_blocks). p_given is what persons have given
-- those that are redriven.
create or replace function onceflow.move_chains(
    p_ids uuid[], p_keys onceflow.task_key[], p_given jsonb[] default null,
    out o_changes onceflow.change[], out o_ended onceflow.placed_task[], out o_opened onceflow.scope_key[],
    out o_failed onceflow.task_key[])
language plpgsql volatile as $$
declare
    v_now constant timestamptz := onceflow.now();
    v_chain record;
    v_block onceflow.block;
    v_move onceflow.chain_move;
begin
    o_changes := '{}'; o_ended := '{}'; o_opened := '{}'; o_failed := '{}';
    for v_chain in
        select k.*, i.version_id, i.seq + 1 as seq, st.kind, st.spec,
            case when i.suspended_by = 'operator' then i.suspended_at end as suspended_at,
            onceflow.own_state(k.instance_id, k.scope, i.state) as state
        from unnest(p_keys, p_given) k (instance_id, step, scope, visit, given)
        cross join lateral (
            select i.* from onceflow.instance i
            where i.id = k.instance_id and i.id between p_ids[1] and p_ids[cardinality(p_ids)] offset 0) i
        cross join lateral (
            select st.kind, st.spec from onceflow.step st
            where st.version_id = i.version_id and st.step = k.step offset 0) st
        cross join lateral (
            select from onceflow.task t
            where t.instance_id = k.instance_id and t.step = k.step and t.scope = k.scope and t.visit = k.visit
                and t.state = 'WAITING' and t.seq is null
                and t.instance_id between p_ids[1] and p_ids[cardinality(p_ids)] offset 0) t
        order by 1, 2, 3, 4
    loop
        select * into v_block from onceflow.block b
        where b.instance_id = v_chain.instance_id and b.step = v_chain.step and b.scope = v_chain.scope
            and b.visit = v_chain.visit;
        continue when v_chain.state <> 'RUNNING' or v_block.unwinds is not null;
        v_move := case v_chain.kind when 'try' then onceflow.next_attempt(v_block, v_chain.spec)
            else onceflow.next_round(v_block, v_chain.version_id, v_chain.spec, v_chain.given) end;
        if v_move.what = 'open' then
            o_opened := o_opened || onceflow.open_next(v_block, v_chain.version_id, v_move);
            continue;
        end if;
        update onceflow.block b
        set resume_at = v_move.resume_at, caught = coalesce(v_move.caught, b.caught),
            timeout_at = case v_move.what when 'end' then null else b.timeout_at end
        where b.instance_id = v_chain.instance_id and b.step = v_chain.step and b.scope = v_chain.scope
            and b.visit = v_chain.visit;
        if v_move.what = 'end' then
            update onceflow.task t
            set state = 'SUCCEEDED', seq = v_chain.seq, changed_at = v_now
            where t.instance_id = v_chain.instance_id and t.step = v_chain.step and t.scope = v_chain.scope
                and t.visit = v_chain.visit and t.state = 'WAITING';
            o_changes := o_changes || onceflow.task_change(v_chain.instance_id, v_chain.step, v_chain.scope,
                v_chain.visit, 0, 'WAITING', 'SUCCEEDED', p_seq => v_chain.seq);
            o_ended := o_ended || onceflow.placed_task(v_chain.instance_id, v_chain.step, v_chain.scope,
                v_chain.visit, v_chain.version_id, v_chain.seq, v_chain.state, v_chain.suspended_at);
        elsif v_move.what = 'fail' then
            update onceflow.task t
            set error = v_move.error, changed_at = v_now
            where t.instance_id = v_chain.instance_id and t.step = v_chain.step and t.scope = v_chain.scope
                and t.visit = v_chain.visit and t.state = 'WAITING';
            o_failed := o_failed
                || row(v_chain.instance_id, v_chain.step, v_chain.scope, v_chain.visit)::onceflow.task_key;
        end if;
    end loop;
end $$;
revoke execute on function onceflow.move_chains(uuid[], onceflow.task_key[], jsonb[]) from public;
