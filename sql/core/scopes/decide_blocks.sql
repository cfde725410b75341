-- decide_blocks(counts) -> (changes, ended, chains, opened, touched, lost, unwinding, undoing)   (internal)
-- Counts for blocks the scopes that have ended, and settled, and has each decide, where its own scope is OPEN: it ends
-- with as many successes as it needs, or when all have ended; else its next scopes open. o_chains are blocks of which one
-- scope runs at a time, and has ended: move_chains() tells what follows. Where the instance returns all around ends. o_lost
-- are scopes that a decided block leaves behind, to be closed; o_touched the scopes around blocks beneath which nothing lives any more;
-- o_unwinding the failed blocks all of whose scopes have ended; o_undoing the undo rows of blocks whose way back goes on.
create or replace function onceflow.decide_blocks(
    p_counts onceflow.block_count[],
    out o_changes onceflow.change[], out o_ended onceflow.placed_task[], out o_chains onceflow.task_key[],
    out o_opened onceflow.scope_key[],
    out o_touched onceflow.scope_key[], out o_lost onceflow.closing_scope[],
    out o_unwinding onceflow.task_key[], out o_undoing onceflow.task_key[])
language plpgsql volatile as $$
declare
    v_count record;
    v_block onceflow.block;
    v_task record;
begin
    o_changes := '{}'; o_ended := '{}'; o_chains := '{}'; o_opened := '{}'; o_touched := '{}'; o_lost := '{}';
    o_unwinding := '{}'; o_undoing := '{}';
    for v_count in
        select c.instance_id, c.step, c.scope, c.visit, sum(c.ended) as ended, sum(c.succeeded) as succeeded,
            sum(c.settled) as settled
        from unnest(p_counts) c group by 1, 2, 3, 4 order by 1, 2, 3, 4
    loop
        update onceflow.block b
        set ended = b.ended + v_count.ended, under_way = b.under_way - v_count.ended,
            succeeded = b.succeeded + v_count.succeeded, live = b.live - v_count.settled
        where b.instance_id = v_count.instance_id and b.step = v_count.step and b.scope = v_count.scope
            and b.visit = v_count.visit
        returning b.* into v_block;
        select t.seq is null and t.state = 'WAITING' as waits, i.version_id, i.seq + 1 as seq,
            onceflow.own_state(t.instance_id, t.scope, i.state) as state,
            case when i.suspended_by = 'operator' then i.suspended_at end as suspended_at,
            (st.spec ->> 'join')::int as needed, (st.spec ->> 'max_parallel')::int as max_parallel,
            onceflow.is_undone(st.spec, v.on_failure) as undoes,
            st.step || '.compensate' as undo, st.is_chain as chained,
            v.returns and onceflow.returned_output(i.id, v.id) is not null as returned
        into v_task
        from onceflow.task t
        cross join (
            select i.id, i.version_id, i.seq, i.state, i.suspended_by, i.suspended_at
            from onceflow.instance i where i.id = v_block.instance_id offset 0) i
        join onceflow.workflow_version v on v.id = i.version_id
        join onceflow.step st on st.version_id = i.version_id and st.step = v_block.step
        where t.instance_id = v_block.instance_id and t.step = v_block.step and t.scope = v_block.scope
            and t.visit = v_block.visit;
        -- A scope in which its row waits still cannot end; that of a row which ends now is told of it by that.
        if v_block.live = 0 and v_count.settled > 0 and v_block.scope > 0 then
            perform onceflow.count_live(v_block.instance_id, v_block.scope, -1);
            if not v_task.waits then
                o_touched := o_touched || row(v_block.instance_id, v_block.scope)::onceflow.scope_key;
            end if;
        end if;
        if v_block.unwinds = 'closing' then
            if v_block.live = 0 then
                o_unwinding := o_unwinding
                    || row(v_block.instance_id, v_block.step, v_block.scope, v_block.visit)::onceflow.task_key;
            end if;
        elsif v_task.waits and v_task.state = 'RUNNING' and v_count.ended > 0 then
            if v_task.chained and not v_task.returned then
                o_chains := o_chains
                    || row(v_block.instance_id, v_block.step, v_block.scope, v_block.visit)::onceflow.task_key;
            elsif v_block.succeeded >= v_task.needed or v_block.ended = v_block.total then
                update onceflow.task t
                set state = 'SUCCEEDED', seq = v_task.seq, changed_at = onceflow.now(),
                    output = case when v_task.returned then 'null'::jsonb end
                where t.instance_id = v_block.instance_id and t.step = v_block.step and t.scope = v_block.scope
                    and t.visit = v_block.visit and t.state = 'WAITING';
                update onceflow.block b set timeout_at = null
                where b.instance_id = v_block.instance_id and b.step = v_block.step and b.scope = v_block.scope
                    and b.visit = v_block.visit and b.timeout_at is not null;
                o_changes := o_changes || onceflow.task_change(v_block.instance_id, v_block.step, v_block.scope,
                    v_block.visit, 0, 'WAITING', 'SUCCEEDED', p_seq => v_task.seq);
                if not v_task.returned then
                    o_ended := o_ended || onceflow.placed_task(v_block.instance_id, v_block.step, v_block.scope,
                        v_block.visit, v_task.version_id, v_task.seq, v_task.state, v_task.suspended_at);
                end if;
                if v_block.ended < v_block.total then
                    o_lost := o_lost || array(
                        select row(s.instance_id, s.scope, true, v_task.undoes)::onceflow.closing_scope
                        from onceflow.scope s
                        where s.instance_id = v_block.instance_id and s.parent = v_block.scope
                            and s.block = v_block.step and s.visit = v_block.visit and s.state in ('WAITING', 'OPEN'));
                end if;
            elsif v_block.opened < v_block.total then
                o_opened := o_opened || onceflow.open_scopes(v_block,
                    coalesce(v_task.max_parallel, v_block.total) - v_block.under_way);
            end if;
        end if;
        -- A way back of it is under way: there is something in it for this.
        if v_count.settled > 0 and exists (
            select from onceflow.task t
            where t.instance_id = v_block.instance_id and t.step = v_task.undo and t.scope = v_block.scope
                and t.visit = v_block.visit and t.seq is null and t.attempt > 0)
        then
            o_undoing := o_undoing
                || row(v_block.instance_id, v_task.undo, v_block.scope, v_block.visit)::onceflow.task_key;
        end if;
    end loop;
end $$;
revoke execute on function onceflow.decide_blocks(onceflow.block_count[]) from public;
