-- scope_faults(ids) -> (instance_id, fault)   (internal)
-- What scopes and blocks count, against what there is: for check_instances().
create or replace function onceflow.scope_faults(p_ids uuid[]) returns table (instance_id uuid, fault text)
language plpgsql stable as $$
#variable_conflict use_column
begin
    return query
    select s.instance_id, f.fault
    from onceflow.scope s
    join onceflow.instance i on i.id = s.instance_id
    cross join lateral (
        select count(*) as open from onceflow.task t
        where t.instance_id = s.instance_id and t.scope = s.scope and t.seq is null) t
    cross join lateral (
        select count(*) filter (where b.live > 0) as live from onceflow.block b
        where b.instance_id = s.instance_id and b.scope = s.scope) b
    cross join lateral (values
        (s.open <> t.open, format('scope %s counts %s open tasks, and has %s', s.scope, s.open, t.open)),
        (s.live <> b.live, format('scope %s counts %s blocks that live, and has %s', s.scope, s.live, b.live)),
        (s.state = 'OPEN' and t.open = 0 and i.resume_at is null, format('scope %s is OPEN, and nothing in it is', s.scope)),
        (s.state = 'OPEN' and i.state <> 'RUNNING', format('scope %s is OPEN, and its instance is not', s.scope)),
        (i.ended_at is not null and not s.settled, format('scope %s has not settled, and its instance has ended', s.scope)),
        (s.settled <> (s.state in ('SUCCEEDED', 'FAILED', 'CANCELLED') and b.live = 0 and t.open = 0
            and s.undo is distinct from 'under way'), format('scope %s: settled is %s', s.scope, s.settled))
    ) f (holds, fault)
    where f.holds and (p_ids is null or s.instance_id = any (p_ids))
    union all
    select b.instance_id, format('block %s/%s counts %s, and there are %s', b.step, b.scope,
        array[b.total, b.opened, b.under_way, b.ended, b.succeeded, b.live], s.counts)
    from onceflow.block b
    cross join lateral (
        select array[count(*), count(*) filter (where s.ordinal < b.opened),
            count(*) filter (where s.state in ('OPEN', 'CLOSING', 'COMPENSATING')),
            count(*) filter (where s.state in ('SUCCEEDED', 'FAILED', 'CANCELLED')),
            count(*) filter (where s.state = 'SUCCEEDED'), count(*) filter (where not s.settled and s.state <> 'WAITING')]
            as counts
        from onceflow.scope s
        where s.instance_id = b.instance_id and s.parent = b.scope and s.block = b.step and s.visit = b.visit) s
    where (p_ids is null or b.instance_id = any (p_ids))
        and array[b.total, b.opened, b.under_way, b.ended, b.succeeded, b.live]::bigint[] <> s.counts;
end $$;
revoke execute on function onceflow.scope_faults(uuid[]) from public;
