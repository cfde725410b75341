-- fail_attempts(sorted ids, failed, keep fences, changes, opened) -> change[]   (internal)
-- Ends attempts, locked before, deferred ones too, that did not succeed: RETRYING for as long as retry_wait() says, or, where it
-- leaves no further attempt, FAILED where its step lets the instance go on, else a dead letter, which
-- advance_instances() judges. Where the scope closes nothing is tried again: CANCELLED.
-- The fence is kept where the worker itself answered, so that its repetition is known; otherwise it
-- goes, and the worker's late answer is stale. p_changes are those of what has failed, or ended, besides, p_opened
-- scopes that have opened.
create or replace function onceflow.fail_attempts(
    p_ids uuid[], p_failed onceflow.failed_attempt[], p_keep_fences boolean, p_changes onceflow.change[] default '{}',
    p_opened onceflow.scope_key[] default '{}')
returns onceflow.change[]
language plpgsql volatile as $$
declare
    v_now timestamptz := onceflow.now();
    v_changes onceflow.change[];
begin
    if cardinality(p_failed) + cardinality(p_changes) + cardinality(p_opened) = 0 then
        return '{}';
    end if;
    with judged as (
        select w.*, case
                when w.closes then 'CANCELLED'
                when w.wait is not null then 'RETRYING'
                when w.continues then 'FAILED'
                else 'DEAD_LETTER' end as state
        from (
            select f.*, i.seq + 1 as seq, i.version_id, s.continues, t.worker_id,
                s.kind not in ('compensation', 'notice') and case when f.scope = 0 then i.state
                    else onceflow.own_state(f.instance_id, f.scope, i.state) end <> 'RUNNING' as closes,
                case when f.retryable then onceflow.retry_wait(
                    s.spec -> 'retry', f.retry, t.attempt, t.extra_attempts, f.error) end as wait
            from unnest(p_failed) f
            cross join lateral (
                select t.attempt, t.extra_attempts, t.worker_id from onceflow.task t
                where t.instance_id = f.instance_id and t.step = f.step and t.scope = f.scope
                    and t.visit = f.visit and t.instance_id between p_ids[1] and p_ids[cardinality(p_ids)]
                    and t.state in ('RUNNING', 'WAITING') and t.fence = f.fence offset 0) t
            cross join lateral (
                select i.version_id, i.seq, i.state from onceflow.instance i
                where i.id = f.instance_id and i.id between p_ids[1] and p_ids[cardinality(p_ids)] offset 0) i
            cross join lateral (
                select s.kind, s.spec, s.continues from onceflow.step s
                where s.version_id = i.version_id and s.step = f.step offset 0) s
            offset 0) w
        offset 0
    ), failed as (
        update onceflow.task t
        set state = j.state, seq = case when j.state in ('CANCELLED', 'FAILED') then j.seq end,
            output = case j.state when 'FAILED' then onceflow.failed_output(j.version_id, j.step) end,
            error = j.error, unknown = t.unknown or j.unknown,
            due_at = case j.state when 'RETRYING' then v_now + j.wait end,
            worker_id = null, call = null, fence = case when p_keep_fences then t.fence end,
            changed_at = v_now
        from judged j
        where t.instance_id = j.instance_id and t.step = j.step and t.scope = j.scope
            and t.visit = j.visit and t.instance_id >= p_ids[1]
            and t.state in ('RUNNING', 'WAITING') and t.fence = j.fence
        returning t.instance_id, t.step, t.scope, t.visit, t.attempt, t.state, t.queue, t.error,
            j.worker_id
    )
    select coalesce(array_agg(onceflow.task_change(f.instance_id, f.step, f.scope, f.visit, f.attempt,
        'RUNNING', f.state, f.queue, f.worker_id, f.error)), '{}')
    into v_changes
    from failed f;
    -- All are judged together, and first: where an instance closes nothing comes due.
    v_changes := p_changes || v_changes;
    return (onceflow.advance_instances(p_ids, v_changes,
        onceflow.find_tasks(p_ids, onceflow.changed_to(v_changes, 'FAILED')
            || onceflow.changed_to(v_changes, 'SUCCEEDED')), '{}',
        onceflow.changed_to(v_changes, 'DEAD_LETTER'), p_opened => p_opened)).o_changes;
end $$;
revoke execute on function onceflow.fail_attempts(uuid[], onceflow.failed_attempt[], boolean, onceflow.change[], onceflow.scope_key[]) from public;
