-- check_instances(ids) -> (instance_id, fault)
-- Holds the counters against the rows they count, and the states of instances against those of their
-- tasks; nothing returned means that all is well. Without ids it looks at every instance.
create or replace function onceflow.check_instances(p_ids uuid[] default null)
returns table (instance_id uuid, fault text)
language plpgsql stable security definer set search_path = pg_catalog, pg_temp as $$
#variable_conflict use_column
begin
    return query
    with looked_at as (
        select i.*, t.open, t.awaited, t.queued, t.dead, l.highest, l.numbers
        from onceflow.instance i
        cross join lateral (
            select count(*) filter (where t.seq is null) as open,
                count(*) filter (where t.state = 'RUNNING' or t.seq is null
                    and (t.undoes_seq is not null or t.step = 'workflow.on_failed')
                    or t.state = 'WAITING' and t.attempt > 0 and t.fence is null and t.input is not null) as awaited,
                count(*) filter (where t.state = 'QUEUED') as queued,
                count(*) filter (where t.state = 'DEAD_LETTER' and t.seq is null) as dead
            from onceflow.task t where t.instance_id = i.id) t
        cross join lateral (
            select max(l.seq) as highest, count(distinct l.seq) as numbers
            from onceflow.task_log l where l.instance_id = i.id) l
        where p_ids is null or i.id = any (p_ids)
    )
    select c.id, f.fault
    from looked_at c
    cross join lateral (values
        (c.open <> c.open_tasks, format('open_tasks is %s, open rows are %s', c.open_tasks, c.open)),
        (c.highest is distinct from c.seq or c.numbers <> c.seq,
            format('seq is %s, the log has %s numbers up to %s', c.seq, c.numbers, c.highest)),
        (c.state in ('RUNNING', 'CLOSING', 'COMPENSATING') and c.open = 0 and c.resume_at is null,
            'nothing is open, but it has not ended'),
        (c.state = 'CLOSING' and c.open <> c.awaited, 'CLOSING with open tasks that neither run nor undo'),
        (c.suspended_by = 'operator' and c.queued > 0, 'suspended by an operator with QUEUED tasks'),
        (c.dead > 0 and c.suspended_by is null, 'an open dead letter, but not told'),
        (c.dead = 0 and c.suspended_by = 'dead_letter', 'told to have an open dead letter, but has none')
    ) f (holds, fault)
    where f.holds
    union all
    -- As sets, for no index leads from a join to its edges.
    select j.instance_id, format('join %s counts %s edges, %s have passed', j.step, j.passed, count(p.step))
    from (
        select t.instance_id, t.step, t.scope, t.visit, t.passed, i.version_id
        from onceflow.task t
        join onceflow.instance i on i.id = t.instance_id
        where t.state = 'WAITING' and t.undoes_seq is null and t.fence is null and t.due_at is null and t.input is null
            and not exists (
                select from onceflow.block b
                where b.instance_id = t.instance_id and b.step = t.step and b.scope = t.scope and b.visit = t.visit)
            and (p_ids is null or i.id = any (p_ids))) j
    left join onceflow.edge e on e.version_id = j.version_id and e.to_step = j.step and e.kind = 'next'
    left join onceflow.task p on p.instance_id = j.instance_id and p.step = e.from_step
        and p.scope = j.scope and p.visit = j.visit and p.state in ('SUCCEEDED', 'SKIPPED', 'FAILED')
    group by j.instance_id, j.step, j.scope, j.visit, j.passed
    having count(p.step) <> j.passed
    union all
    select f.instance_id, f.fault from onceflow.scope_faults(p_ids) f
    union all
    select f.instance_id, f.fault from onceflow.wait_faults(p_ids) f
    union all
    select f.instance_id, f.fault from onceflow.child_faults(p_ids) f;
end $$;
revoke execute on function onceflow.check_instances(uuid[]) from public;
