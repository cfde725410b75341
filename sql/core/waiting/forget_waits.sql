-- forget_waits(sorted ids, keys) -> void   (internal)
-- Tasks whose rows have ended wait for nothing any more.
create or replace function onceflow.forget_waits(p_ids uuid[], p_keys onceflow.task_key[]) returns void
language plpgsql volatile as $$
begin
    delete from onceflow.wait w
    using unnest(p_keys) k
    where w.instance_id = k.instance_id and w.step = k.step and w.scope = k.scope and w.visit = k.visit
        and w.instance_id >= p_ids[1];
end $$;
revoke execute on function onceflow.forget_waits(uuid[], onceflow.task_key[]) from public;
