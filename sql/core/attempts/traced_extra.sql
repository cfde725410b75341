-- traced_extra(extra, trace, task) -> jsonb   (internal)
-- What a grant tells besides of a task whose instance has a trace context: that context, and what was waited for before, as
-- the last 64 rows of the instance's log tell: the task itself in its queue, for its retry, its turn, or held; and what ended as it came due.
create or replace function onceflow.traced_extra(p_extra jsonb, p_trace jsonb, p_key onceflow.task_key) returns jsonb
language plpgsql stable as $$
declare
    v_waited jsonb;
begin
    with recent as (
        select l.*, row_number() over (order by l.seq, l.n) as nth
        from (
            select l.seq, l.n, l.step, l.scope, l.visit, l.state, l.at
            from onceflow.task_log l
            where l.instance_id = p_key.instance_id and l.seq is not null
            order by l.seq desc, l.n desc limit 64) l
        where l.step is not null
    ), due as (
        select r.* from recent r
        where r.step = p_key.step and r.scope = p_key.scope and r.visit = p_key.visit and r.state in ('QUEUED', 'RUNNING')
        order by r.nth desc limit 1
    ), ended as (
        select r.*, d.nth as due from due d
        join recent r on r.nth = d.nth
            -- What came due first tells of what the others have waited for too.
            or r.seq = d.seq and r.state not in ('QUEUED', 'RUNNING', 'WAITING', 'READY', 'RETRYING') and not exists (
                select from recent q where q.seq = d.seq and q.state in ('QUEUED', 'RUNNING') and q.nth < d.nth)
    ), waited as (
        select case b.state when 'RETRYING' then 'retry' when 'READY' then 'hold'
                else case when e.nth = e.due then 'turn' else 'step' end end as kind,
            e.step, e.scope, e.visit, b.at as since, e.at as until
        from ended e
        cross join lateral (
            select b.state, b.at from recent b
            where b.step = e.step and b.scope = e.scope and b.visit = e.visit and b.nth < e.nth
            order by b.nth desc limit 1) b
        where b.state in ('WAITING', 'RETRYING', 'READY')
        union all
        select 'queue', d.step, d.scope, d.visit, d.at, onceflow.now() from due d where d.state = 'QUEUED'
    )
    select jsonb_agg(jsonb_build_object('kind', w.kind, 'task', onceflow.task_name(w.step, w.scope, w.visit),
        'since', onceflow.exact_time(w.since), 'until', onceflow.exact_time(w.until)) order by w.since)
    into v_waited from waited w;
    return coalesce(p_extra, '{}') || jsonb_build_object('trace', p_trace)
        || case when v_waited is null then '{}' else jsonb_build_object('waited', v_waited) end;
end $$;
revoke execute on function onceflow.traced_extra(jsonb, jsonb, onceflow.task_key) from public;
