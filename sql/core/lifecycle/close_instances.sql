-- close_instances(sorted ids, closing_as, errors, lifts, failed, token) -> change[]   (internal)
-- Begins the end of locked RUNNING instances: CLOSING cancels what is WAITING, READY, QUEUED or
-- RETRYING, in whatever scope, and makes records of open dead letters; what is RUNNING is awaited. When nothing is open
-- any more, settle_instances() takes it from there: an instance closing as COMPENSATED or CANCELLED is
-- compensated first, one closing as FAILED is not. An operator's suspension outlives it, so that what is undone
-- waits for his resume, unless p_lifts: he has cancelled it himself, or its deadline has passed.
-- p_failed are the tasks for whose failure it closes, p_token that of what this call has handed off.
create or replace function onceflow.close_instances(
    p_ids uuid[], p_closing_as text[], p_errors jsonb[], p_lifts boolean default false,
    p_failed onceflow.task_key[] default '{}', p_token uuid default null)
returns onceflow.change[]
language plpgsql volatile as $$
declare
    v_ways constant onceflow.failed_way[] := onceflow.failed_ways(p_failed);
    v_closed onceflow.change[];
    v_ids uuid[];
    v_scoped uuid[];
    v_tasks onceflow.change[];
    v_scopes onceflow.closing_scope[];
    v_waits onceflow.placed_task[];
begin
    if cardinality(p_ids) = 0 then
        return '{}';
    end if;
    with closed as (
        update onceflow.instance i
        set state = 'CLOSING', closing_as = k.closing_as, compensate = k.closing_as <> 'FAILED',
            error = k.error, deadline_at = null,
            suspended_at = case when i.suspended_by = 'operator' and not p_lifts then i.suspended_at end,
            suspended_by = case when i.suspended_by = 'operator' and not p_lifts then i.suspended_by end
        from unnest(p_ids, p_closing_as, p_errors) k (id, closing_as, error)
        where i.id = k.id and i.id >= p_ids[1]
            and i.state = 'RUNNING'
        returning i.id, i.error
    )
    select coalesce(array_agg(onceflow.instance_change(c.id, 'RUNNING', 'CLOSING', c.error)), '{}'),
        coalesce(array_agg(c.id), '{}')
    into v_closed, v_ids
    from closed c;

    v_tasks := onceflow.end_tasks(p_ids, array(
        select row(t.instance_id, t.step, t.scope, t.visit)::onceflow.task_key
        from onceflow.task t
        where t.instance_id = any (v_ids) and t.instance_id >= p_ids[1] and t.seq is null and t.undoes_seq is null
        order by t.instance_id, t.step, t.scope, t.visit), p_failed, v_ways, 'DEAD_LETTER', p_token);
    v_scopes := array(
        select row(s.instance_id, s.scope, false, true)::onceflow.closing_scope
        from onceflow.scope s
        where s.instance_id = any (v_ids) and s.instance_id >= p_ids[1]
            and s.state in ('WAITING', 'OPEN', 'CLOSING'));
    if cardinality(v_scopes) > 0 then
        v_tasks := v_tasks || (onceflow.shut_scopes(p_ids, v_scopes, v_ways)).o_changes;
    end if;
    -- A way back that has begun in a scope goes on, and may wait for a person.
    v_scoped := array(
        select u.id from unnest(v_ids) u (id)
        where exists (select from onceflow.scope s where s.instance_id = u.id and s.instance_id >= p_ids[1])
        order by u.id);
    if cardinality(v_scoped) > 0 then
        -- Also where all scopes have ended, and a block waits for the way back of one.
        update onceflow.block b
        set timeout_at = null, resume_at = null, unwinds = nullif(b.unwinds, 'closing')
        where b.instance_id = any (v_ids) and b.instance_id >= p_ids[1] and b.scope = 0
            and (b.due_at is not null or b.unwinds = 'closing');
        perform onceflow.note_dead_letters(v_scoped);
        if p_lifts then
            v_tasks := v_tasks || onceflow.queue_tasks(v_scoped, array(
                select row(t.instance_id, t.step, t.scope, t.visit)::onceflow.task_key
                from onceflow.task t
                where t.instance_id = any (v_scoped) and t.instance_id >= v_scoped[1]
                    and t.state = 'READY' and t.held_by = 'operator' and t.queue is not null
                order by t.instance_id, t.step, t.scope, t.visit), 'READY');
            -- What waits and is still open is the undoing of children, which never ends at once.
            v_waits := onceflow.held_waits(v_scoped);
            if cardinality(v_waits) > 0 then
                v_tasks := v_tasks || (onceflow.make_tasks(v_scoped, v_waits, null, null, 0, 0)).o_changes;
            end if;
        end if;
    end if;
    return v_closed || v_tasks;
end $$;
revoke execute on function onceflow.close_instances(
    uuid[], text[], jsonb[], boolean, onceflow.task_key[], uuid) from public;
