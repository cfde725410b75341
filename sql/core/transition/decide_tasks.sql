-- decide_tasks(due, queues, tasks, room) -> rows   (internal)
-- What becomes of each step that is due: where an expression fails, or the step is one that fails, FAILED if its
-- instance goes on then, else DEAD_LETTER; SKIPPED by its own `when`; SUCCEEDED where it has its value and needs no
-- worker; READY in a suspended instance; RUNNING where it is granted, up to p_room of them on these queues, for
-- these handlers; else QUEUED. ended: it passes on. Inlined into make_tasks(), so it costs no call.
create or replace function onceflow.decide_tasks(
    p_due onceflow.placed_task[], p_queues text[], p_tasks text[], p_room int)
returns table (
    instance_id uuid, step text, scope bigint, visit int, version_id bigint, seq int,
    state text, suspended_at timestamptz, waits boolean,
    queue text, timeout float8, input jsonb, output jsonb, error jsonb, granted boolean, becomes text, ended boolean)
language sql stable as $$
    with judged as (
        select e.*, case when e.kind = 'fail' and (e.found).runs and (e.found).error is null
            then onceflow.raised_error((e.found).value) else (e.found).error end as error
        from onceflow.evaluate_steps(p_due) e
        offset 0
    ), made as (
        select j.*, case
            when j.error is not null then case when j.continues then 'FAILED' else 'DEAD_LETTER' end
            when not (j.found).runs then 'SKIPPED'
            when j.kind = 'set' then 'SUCCEEDED'
            when not j.may_run then 'READY'
            else 'QUEUED' end as becomes
        from judged j
    ), ranked as (
        select f.*, f.fits and sum(f.fits::int) over (
            order by f.instance_id, f.step, f.scope, f.visit) <= p_room as granted
        from (
            -- Nothing is handed off in an instance that a failure may close in this call.
            select m.*, m.becomes = 'QUEUED' and coalesce(m.queue = any (p_queues) and m.handler = any (p_tasks), false)
                and m.instance_id <> all (array(
                    select d.instance_id from made d where d.becomes = 'DEAD_LETTER')) as fits
            from made m) f
    )
    select r.instance_id, r.step, r.scope, r.visit, r.version_id, r.seq, r.state, r.suspended_at, r.waits,
        case when r.kind in ('task', 'compensation') and r.becomes <> 'SKIPPED' then r.queue end, r.timeout,
        case when r.becomes in ('QUEUED', 'READY') then (r.found).value end,
        case r.becomes when 'SUCCEEDED' then (r.found).value
            when 'FAILED' then onceflow.failed_output(r.version_id, r.step) end,
        r.error, r.granted, case when r.granted then 'RUNNING' else r.becomes end,
        r.becomes in ('SKIPPED', 'SUCCEEDED', 'FAILED')
    from ranked r
$$;
revoke execute on function onceflow.decide_tasks(onceflow.placed_task[], text[], text[], int) from public;
