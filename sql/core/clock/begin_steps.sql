-- begin_steps(sorted ids, keys, now) -> change[]   (internal)
-- Of tasks of locked instances those that wait for the start of their instance, which has come, and what a transition that was
-- cut has left: for begin_instances(). They are made as steps that come due. (A row that waits for an answer from outside has a fence, one that waits by itself an input, and both another end.)
create or replace function onceflow.begin_steps(
    p_ids uuid[], p_keys onceflow.task_key[], p_now timestamptz)
returns onceflow.change[]
language plpgsql volatile as $$
declare
    v_cut constant record := onceflow.resume_cut(p_ids, p_now);
    v_begun constant onceflow.task_key[] := array(
        select row(k.instance_id, k.step, k.scope, k.visit)::onceflow.task_key
        from unnest(p_keys) k
        cross join lateral (
            select from onceflow.task t
            where t.instance_id = k.instance_id and t.step = k.step and t.scope = k.scope
                and t.visit = k.visit and t.instance_id between p_ids[1] and p_ids[cardinality(p_ids)]
                and t.state = 'WAITING' and t.fence is null and t.input is null and t.due_at <= p_now offset 0) t
        union
        select row(c.instance_id, c.step, c.scope, c.visit)::onceflow.task_key from unnest(v_cut.o_steps) c);
begin
    if cardinality(v_begun) = 0 and cardinality(v_cut.o_touched) = 0 then
        return '{}';
    end if;
    return (onceflow.advance_instances(p_ids, '{}', '{}', onceflow.find_tasks(p_ids, v_begun),
        p_touched => v_cut.o_touched)).o_changes;
end $$;
revoke execute on function onceflow.begin_steps(uuid[], onceflow.task_key[], timestamptz) from public;
