-- time_out_children(sorted ids, keys) -> void   (internal)
-- Tasks of locked instances whose time to wait for instances of their own is over: they have failed by that once these have
-- ended, as they are told to; unless they have succeeded meanwhile.
create or replace function onceflow.time_out_children(p_ids uuid[], p_keys onceflow.task_key[]) returns void
language plpgsql volatile as $$
declare
    v_now constant timestamptz := onceflow.now();
begin
    update onceflow.task t
    set error = jsonb_build_object('code', 'timeout', 'message',
            'the instance that it waits for had not ended by ' || onceflow.time_text(t.due_at)), changed_at = v_now
    from unnest(p_keys) k
    where t.instance_id = k.instance_id and t.step = k.step and t.scope = k.scope and t.visit = k.visit
        and t.instance_id >= p_ids[1] and t.state = 'WAITING' and t.seq is null;
    perform onceflow.cancel_children(p_ids, p_keys);
end $$;
revoke execute on function onceflow.time_out_children(uuid[], onceflow.task_key[]) from public;
