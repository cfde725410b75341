-- fail_unanswered(sorted ids, keys, now, changes, opened) -> change[]   (internal)
-- Of tasks of locked instances those that run past their timeout, or without a live worker, and deferred ones
-- that nobody has answered in their time: that attempt has failed, and its outcome is unknown.
create or replace function onceflow.fail_unanswered(
    p_ids uuid[], p_keys onceflow.task_key[], p_now timestamptz, p_changes onceflow.change[] default '{}',
    p_opened onceflow.scope_key[] default '{}')
returns onceflow.change[]
language plpgsql volatile as $$
begin
    return onceflow.fail_attempts(p_ids, array(
        select row(t.instance_id, t.step, t.scope, t.visit, t.fence,
            case when t.state = 'WAITING' or w.state = 'live' then jsonb_build_object('code', 'timeout',
                'message', case t.state when 'WAITING' then 'no answer came from outside until '
                    else 'the attempt took longer than its timeout, until ' end
                    || onceflow.time_text(t.due_at))
            else jsonb_build_object('code', 'worker.lost',
                'message', 'worker ' || coalesce(w.name, t.worker_id::text) || ' was lost while it ran the attempt')
            end, true, true,
            case t.state when 'WAITING' then onceflow.handler_policy(s.handler) else w.retries -> s.handler end)::onceflow.failed_attempt
        from unnest(p_keys) k
        cross join lateral (
            select t.* from onceflow.task t
            where t.instance_id = k.instance_id and t.step = k.step and t.scope = k.scope
                and t.visit = k.visit
                and t.instance_id between p_ids[1] and p_ids[cardinality(p_ids)]
                and (t.state = 'RUNNING' or t.state = 'WAITING' and t.fence is not null) offset 0) t
        cross join lateral (
            select i.version_id from onceflow.instance i
            where i.id = t.instance_id and i.id between p_ids[1] and p_ids[cardinality(p_ids)] offset 0) i
        cross join lateral (
            select s.handler from onceflow.step s
            where s.version_id = i.version_id and s.step = t.step offset 0) s
        left join lateral (
            select w.name, w.state, w.retries from onceflow.worker w where w.id = t.worker_id offset 0) w on true
        where t.state = 'RUNNING' and w.state is distinct from 'live' or t.due_at <= p_now), false, p_changes, p_opened);
end $$;
revoke execute on function onceflow.fail_unanswered(uuid[], onceflow.task_key[], timestamptz, onceflow.change[], onceflow.scope_key[]) from public;
