-- decide_tasks(due, queues, tasks, room) -> rows   (internal)
-- What becomes of each step that is due: where an expression fails, or the step is one that fails, FAILED if its
-- instance goes on then, else DEAD_LETTER; SKIPPED by its own `when`; SUCCEEDED where it has its value and needs no
-- worker; WAITING where it is a block, or the way back of one, that begins, or waits by itself, its input being what for; READY in a suspended instance
-- where it runs or waits (held_waits() then begins the waits); RUNNING
-- where it is granted, up to p_room of them on these queues, for these handlers; else QUEUED. items is what a block or
-- a child begins with; ended: it has ended at once; jumps_to is where a goto leads. Inlined into make_tasks(), so it costs no call.
create or replace function onceflow.decide_tasks(
    p_due onceflow.placed_task[], p_queues text[], p_tasks text[], p_room int)
returns table (
    instance_id uuid, step text, scope bigint, visit int, version_id bigint, seq int,
    state text, suspended_at timestamptz, waits boolean, undoes_seq int,
    kind text, queue text, timeout float8, start_timeout float8, total_timeout float8, input jsonb, output jsonb, items jsonb, error jsonb, granted boolean,
    becomes text, ended boolean, jumps_to text)
language sql stable as $$
    with judged as (
        select e.*, case when e.visit >= 1000
            then '{"code": "flow.limit", "place": "limit", "message": "the step has been visited 1,000 times"}'
            when (e.found).runs and (e.found).error is null and (e.kind in ('fail', 'for_each') or e.is_wait)
            then case e.kind when 'fail' then onceflow.raised_error((e.found).value)
                when 'for_each' then onceflow.items_error(e.version_id, e.step, (e.found).value)
                else onceflow.wait_error(e.kind, (e.found).value, (select onceflow.now())) end
            else (e.found).error end as error
        from onceflow.evaluate_steps(p_due) e
        offset 0
    ), made as (
        select j.*, case
            when j.error is not null then case when j.continues then 'FAILED' else 'DEAD_LETTER' end
            when not (j.found).runs then 'SKIPPED'
            when j.kind in ('set', 'return', 'goto') then 'SUCCEEDED'
            when j.is_wait and j.suspended_at is not null then 'READY'
            when j.kind = 'sleep' and onceflow.sleep_until((j.found).value, (select onceflow.now())) <= (select onceflow.now()) then 'SUCCEEDED'
            when j.kind not in ('task', 'compensation', 'notice') then case
                when j.kind = 'for_each' and (j.found).value = '[]' or j.kind = 'switch' and (j.found).value = 'null'
                then 'SUCCEEDED' else 'WAITING' end
            when not j.may_run then 'READY'
            else 'QUEUED' end as becomes
        from judged j
    ), ranked as (
        select f.*, f.fits and sum(f.fits::int) over (
            order by f.instance_id, f.step, f.scope, f.visit) <= p_room as granted
        from (
            select m.*, m.becomes = 'QUEUED'
                and coalesce(m.queue = any (p_queues) and m.handler = any (p_tasks), false) as fits
            from made m) f
    )
    select r.instance_id, r.step, r.scope, r.visit, r.version_id, r.seq, r.state, r.suspended_at, r.waits, r.undoes_seq,
        r.kind, case when r.kind in ('task', 'compensation', 'notice') and r.becomes <> 'SKIPPED' then r.queue end, r.timeout, r.start_timeout,
        r.total_timeout,
        case when r.becomes in ('QUEUED', 'READY') or r.becomes = 'WAITING' and r.is_wait
            then case when r.kind = 'workflow' and r.becomes = 'WAITING' then (r.found).value -> 'with' else (r.found).value end end,
        case r.becomes when 'SUCCEEDED' then case when r.kind not in ('goto', 'sleep') then (r.found).value end
            when 'FAILED' then onceflow.failed_output(r.version_id, r.step) end,
        case when r.becomes = 'WAITING' and (r.kind = 'workflow' or not r.is_wait) then (r.found).value end,
        r.error, r.granted, case when r.granted then 'RUNNING' else r.becomes end,
        r.becomes in ('SKIPPED', 'SUCCEEDED', 'FAILED'),
        case when r.becomes = 'SUCCEEDED' then r.jumps_to end
    from ranked r
$$;
revoke execute on function onceflow.decide_tasks(onceflow.placed_task[], text[], text[], int) from public;
