-- tell_forms(event, keys) -> void   (internal)
-- Tells of open forms on their topic, so that a system of the user's own lets people know: who is asked, and where to
-- look; what is asked stays here. Where messages do not travel over Kafka nobody is told.
create or replace function onceflow.tell_forms(p_event text, p_keys onceflow.task_key[]) returns void
language plpgsql volatile as $$
declare
    v_now constant timestamptz := onceflow.now();
begin
    if cardinality(p_keys) = 0 or (select d.transport from onceflow.deployment d) = 'postgres' then
        return;
    end if;
    insert into onceflow.outbox (kind, topic, key, value, headers, queued_xid, made_at)
    select 'form', 'forms', w.instance_id::text,
        jsonb_build_object('event', p_event, 'instance', w.instance_id, 'task', onceflow.task_name(w.step, w.scope, w.visit),
            'workflow', s.workflow, 'to', to_jsonb(w.people), 'claimed_by', w.claimed_by,
            'due', onceflow.time_text(t.due_at), 'at', onceflow.time_text(v_now),
            'labels', coalesce(onceflow.labels_of(w.instance_id), '{}'))::text,
        jsonb_build_object('onceflow-event-id', gen_random_uuid()), pg_current_xact_id(), v_now
    from unnest(p_keys) k
    join onceflow.wait w on w.instance_id = k.instance_id and w.step = k.step and w.scope = k.scope and w.visit = k.visit
        and w.kind = 'form'
    join onceflow.task t on t.instance_id = k.instance_id and t.step = k.step and t.scope = k.scope and t.visit = k.visit
    join onceflow.instance i on i.id = k.instance_id
    join onceflow.step s on s.version_id = i.version_id and s.step = k.step
    order by w.n;
    perform onceflow.wake_sleepers('{*}');
end $$;
revoke execute on function onceflow.tell_forms(text, onceflow.task_key[]) from public;
