-- finish_transition(sorted ids, changes, resumed) -> void   (internal)
-- The end of every transition: what has changed is recorded, and an instance of which nothing is open any more
-- moves on. One that is RUNNING succeeds with its output, or that is a dead letter (fail_outputs), in the same
-- transition; in the others (settle_instances) what follows is a transition of its own. One of which a transition was cut ends
-- with what has gone on of it, p_resumed, though that may have changed nothing more.
create or replace function onceflow.finish_transition(
    p_ids uuid[], p_changes onceflow.change[], p_resumed uuid[] default '{}')
returns void
language plpgsql volatile as $$
declare
    v_drained uuid[];
    v_outputs onceflow.evaluated_output[];
    v_succeeded onceflow.evaluated_output[];
    v_ended onceflow.change[];
    v_children uuid[];
begin
    if cardinality(p_changes) + cardinality(p_resumed) = 0 then
        return;
    end if;
    select coalesce(array_agg(i.id order by i.id), '{}'), array_agg(i.id order by i.id) filter (where i.parent_id is not null)
    into v_drained, v_children
        from (
            select c.instance_id, sum(c.opened) as opened
            from (
                select c.instance_id, c.opened, c.was from unnest(p_changes) c
                union all
                select r.id, 0, null from unnest(p_resumed) r (id)) c
            -- Where a task has ended that ran, and as many have come due, something is open.
            group by c.instance_id
            having sum(c.opened) < case when bool_or(c.was = 'RUNNING' and c.opened < 0) then 0 else 1 end) d
        cross join lateral (
            select i.id, i.parent_id from onceflow.instance i
            where i.id = d.instance_id and i.id between p_ids[1] and p_ids[cardinality(p_ids)]
                and i.open_tasks + d.opened = 0 and i.ended_at is null and i.resume_at is null offset 0) i;
    if cardinality(v_drained) = 0 then
        perform onceflow.record_changes(p_ids, p_changes, '{}');
        return;
    end if;

    v_outputs := onceflow.instance_outputs(v_drained, array(
        select c.instance_id from unnest(p_changes) c where c.step = 'workflow.output'));
    v_succeeded := array(select o from unnest(v_outputs) o where o.error is null);
    v_ended := array(
        select onceflow.instance_change(s.instance_id, 'RUNNING', 'SUCCEEDED') from unnest(v_succeeded) s);
    if cardinality(v_succeeded) < cardinality(v_outputs) then
        v_ended := v_ended || onceflow.fail_outputs(v_drained, v_outputs);
    end if;
    perform onceflow.record_changes(p_ids, p_changes || v_ended, v_succeeded);
    v_drained := array(
        select i.id from onceflow.instance i
        where i.id = any (v_drained) and i.id >= p_ids[1]
            and i.state in ('CLOSING', 'COMPENSATING') and i.open_tasks = 0
        order by i.id);
    if cardinality(v_drained) > 0 then
        perform onceflow.finish_transition(v_drained, onceflow.settle_instances(v_drained));
    end if;
    if v_children is not null then
        perform onceflow.tell_parents(v_children);
    end if;
end $$;
revoke execute on function onceflow.finish_transition(uuid[], onceflow.change[], uuid[]) from public;
