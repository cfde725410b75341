-- resume_cut(sorted ids, now) -> (steps, touched)   (internal)
-- What cut_waves() has left of locked instances: the steps that wait to be made, and the scopes that have more to decide, in
-- which nothing is open and which have not settled.
create or replace function onceflow.resume_cut(
    p_ids uuid[], p_now timestamptz, out o_steps onceflow.task_key[], out o_touched onceflow.scope_key[])
language plpgsql volatile as $$
declare
    v_ids constant uuid[] := array(
        select i.id from onceflow.instance i
        where i.id = any (p_ids) and i.id >= p_ids[1] and i.resume_at is not null order by i.id);
begin
    o_steps := '{}'; o_touched := '{}';
    if cardinality(v_ids) = 0 then
        return;
    end if;
    update onceflow.instance i set resume_at = null
    where i.id = any (v_ids) and i.id >= v_ids[1] and i.state in ('RUNNING', 'CLOSING', 'COMPENSATING');
    o_steps := array(
        select row(t.instance_id, t.step, t.scope, t.visit)::onceflow.task_key
        from onceflow.task t
        where t.instance_id = any (v_ids) and t.instance_id >= v_ids[1]
            and t.state = 'WAITING' and t.fence is null and t.input is null and t.due_at <= p_now and t.seq is null
        order by t.instance_id, t.step, t.scope, t.visit);
    o_touched := array(
        select row(s.instance_id, s.scope)::onceflow.scope_key
        from onceflow.scope s
        where s.instance_id = any (v_ids) and s.instance_id >= v_ids[1]
            and s.open = 0 and not s.settled and s.state <> 'WAITING'
        order by s.instance_id, s.scope);
end $$;
revoke execute on function onceflow.resume_cut(uuid[], timestamptz) from public;
