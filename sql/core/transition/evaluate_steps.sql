-- evaluate_steps(due) -> rows   (internal)
-- Each step that is due with its input, evaluated, and what else decides on its task. A step that has nothing
-- to evaluate brings its input along; for one that is redriven a person has given what the expression that failed should
-- have given, and one that waits and was held has it already.
-- Inlined into decide_tasks(), so it costs no call.
create or replace function onceflow.evaluate_steps(p_due onceflow.placed_task[])
returns table (
    instance_id uuid, step text, scope bigint, visit int, version_id bigint, seq int, state text,
    suspended_at timestamptz, waits boolean, given jsonb, undoes_seq int,
    kind text, queue text, handler text, timeout float8, start_timeout float8, total_timeout float8, continues boolean, is_wait boolean, may_run boolean, jumps_to text,
    found onceflow.evaluation)
language sql stable as $$
    select d.*, s.kind, s.queue, s.handler, s.timeout, s.start_timeout, s.total_timeout, s.continues, s.is_wait,
        onceflow.may_run(d.state, d.suspended_at, s.kind),
        s.jumps_to, case
            -- A repeat that is redriven has begun long ago: move_chains() asks what holds.
            when d.given ->> 'place' in ('until', 'while') then row(true, d.given, null)::onceflow.evaluation
            when d.given ->> 'place' = 'held' then row(true, d.given -> 'value', null)::onceflow.evaluation
            when d.given ->> 'place' = 'value' then row(true, case when s.is_wait
                then onceflow.given_wait(s.spec, d.given -> 'value') else d.given -> 'value' end, null)::onceflow.evaluation
            when d.given = '{"place": "when", "value": false}' then row(false, null, null)::onceflow.evaluation
            when s.constant_input is not null then row(true, s.constant_input, null)::onceflow.evaluation
            else onceflow.step_value(d.instance_id, d.version_id, d.step, d.scope, d.visit, d.given, s.kind, s.spec)
            end
    from unnest(p_due) d
    cross join lateral (
        select s.kind, s.spec, s.queue, s.handler, s.timeout, s.start_timeout, s.total_timeout, s.continues, s.is_wait,
            s.constant_input,
            case s.kind when 'goto' then s.spec ->> 'goto' end as jumps_to
        from onceflow.step s
        where s.version_id = d.version_id and s.step = d.step offset 0) s
    offset 0
$$;
revoke execute on function onceflow.evaluate_steps(onceflow.placed_task[]) from public;
