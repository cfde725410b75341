-- plan_next(plans) -> void   (internal)
-- Notes for tries what they go on with once the scope that has failed has ended: its error, and the list (find_catch). Of several
-- failures in one scope the first counts; where what is around the try closes too, none.
create or replace function onceflow.plan_next(p_plans onceflow.chain_plan[]) returns void
language plpgsql volatile as $$
begin
    update onceflow.block b
    set plan = jsonb_build_object('list', p.list, 'error', p.error)
    from (
        select distinct on (p.instance_id, p.scope) p.instance_id, p.list, s.block, s.parent, s.visit,
            jsonb_build_object('code', t.error -> 'code', 'message', t.error -> 'message', 'detail', t.error -> 'detail',
                'task', onceflow.task_name(t.step, t.scope, t.visit), 'attempts', t.attempt) as error
        from unnest(p_plans) with ordinality p (instance_id, scope, list, failed, n)
        join onceflow.scope s on s.instance_id = p.instance_id and s.scope = p.scope
        join onceflow.task t on t.instance_id = p.instance_id and t.step = (p.failed).step
            and t.scope = (p.failed).scope and t.visit = (p.failed).visit
        join onceflow.instance i on i.id = p.instance_id
        where onceflow.own_state(p.instance_id, s.parent, i.state) = 'RUNNING'
        order by p.instance_id, p.scope, p.n) p
    where b.instance_id = p.instance_id and b.step = p.block and b.scope = p.parent and b.visit = p.visit;
end $$;
revoke execute on function onceflow.plan_next(onceflow.chain_plan[]) from public;
