-- answer_starts(starts, started) -> void   (internal)
-- What steps hear of the instances that they have told to start, in the order of p_starts: of one that cannot, why; of one that is not
-- waited for, which it is. Where a key names another already a step with `detach` gives that one, if it has the same
-- input; any other fails, for what is somebody else's is not ended or undone with it.
create or replace function onceflow.answer_starts(p_starts onceflow.child_start[], p_started onceflow.started_child[])
returns void
language plpgsql volatile as $$
declare
    v_now timestamptz := onceflow.now();
    v_ids constant uuid[] := array(select s.instance_id from unnest(p_starts) s order by s.instance_id);
    v_begun constant uuid[] := array(select s.instance_id from unnest(p_started) s where s.outcome = 'started');
begin
    delete from onceflow.delivery d
    where d.instance_id = any (v_ids) and d.instance_id >= v_ids[1] and d.kind = 'start' and d.state = 'sent';
    if cardinality(v_begun) < cardinality(v_ids) then
        delete from onceflow.child c
        where c.instance_id = any (v_ids) and c.instance_id >= v_ids[1] and c.instance_id <> all (v_begun);
    end if;
    insert into onceflow.delivery (instance_id, id, kind, key, step, scope, visit, payload, error, state, made_at)
    select k.parent_id, nextval('onceflow.delivery_id'), 'end', k.instance_id::text, k.step, k.scope, k.visit,
        case when k.error is null then jsonb_build_object('instance', k.started) end, k.error, 'sent', v_now
    from (
        select s.*, coalesce(s.fault, case
                when s.outcome = 'invalid'
                then jsonb_build_object('code', 'workflow.labels', 'message', s.refused ->> 'message')
                when s.outcome = 'conflict' or s.outcome = 'exists' and not s.detached
                then jsonb_build_object('code', 'workflow.key', 'message', format(
                    'the key %s is that of the instance %s already%s', to_json(s.key), s.started,
                    case when s.detached then ', which was started with another input' else '' end),
                    'detail', jsonb_build_object('instance', s.started)) end) as error
        from unnest(p_starts, p_started) s (instance_id, parent_id, root_id, step, scope, visit, detached,
            workflow_id, version_id, deadline, searched, labelled, key, input, trace, fault, outcome, started, refused)
        where s.detached or s.fault is not null or s.outcome <> 'started'
        order by s.parent_id, s.step collate "C", s.scope, s.visit offset 0) k;
    if found then
        perform onceflow.wake_sleepers('{*deliveries}');
    end if;
end $$;
revoke execute on function onceflow.answer_starts(onceflow.child_start[], onceflow.started_child[]) from public;
