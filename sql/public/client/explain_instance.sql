-- explain_instance(id) -> (task, because, advice, statement)
-- Says in words why an instance is not moving, the most telling first: what it waits for, and whose turn it
-- is. task is null for what concerns the whole instance. advice is what to do, where something is:
-- {verb, args}, for doors that write it as one types it there; statement is the same in SQL, where SQL can.
-- Statements that run for each of up to 200 tasks are planned once: to plan one takes longer than to run it.
-- Errors: WF001 where there is no such instance.
create or replace function onceflow.explain_instance(p_id uuid)
returns table (task text, because text, advice jsonb, statement text)
language plpgsql stable security definer set search_path = pg_catalog, pg_temp
set plan_cache_mode = 'force_generic_plan' set jit = 'off' set max_parallel_workers_per_gather = 0 as $$
#variable_conflict use_column
declare
    v_instance onceflow.instance;
begin
    select * into v_instance from onceflow.instance i where i.id = p_id;
    if v_instance.id is null then
        raise exception 'there is no instance %', p_id
            using errcode = 'WF001', hint = 'See onceflow.instances; it may have been dropped by retention.';
    end if;
    return query
    with told as materialized (
        select null::text as task, onceflow.explain_state(v_instance) as why, 1 as place, 0::bigint as n
        union all
        select null, onceflow.explain_clock(), 2, 0 where v_instance.ended_at is null
        union all
        select null, row(format('its workflow has been disabled for new starts since %s, which stops none that has '
            'started; enable it', onceflow.time_text(w.disabled_at)), 'enable', jsonb_build_object('workflow', w.name))::onceflow.explanation, 3, 0
        from onceflow.workflow_version v
        join onceflow.workflow w on w.id = v.workflow_id
        where v.id = v_instance.version_id and w.disabled_at is not null
        union all
        (select onceflow.task_name(o.step, o.scope, o.visit), onceflow.explain_limits(onceflow.explain_task(o.t, o.s), o.t), 4, o.n
        from (
            select t.step, t.scope, t.visit, t, s, row_number() over (
                order by array_position(
                        array['DEAD_LETTER', 'RETRYING', 'QUEUED', 'RUNNING', 'READY', 'WAITING'], t.state),
                    t.changed_at, t.step) as n
            from onceflow.task t
            join onceflow.step s on s.version_id = v_instance.version_id and s.step = t.step
            where t.instance_id = p_id and t.seq is null and v_instance.scopes = 0
            order by n limit 200) o)
        union all
        select s.task, s.why, 4, s.n from onceflow.explain_scopes(v_instance) s where v_instance.scopes > 0
        union all
        (select null, row(format('keeps %s of the signal %s, since %s: no step has begun to wait for it yet',
            count(*), d.name, onceflow.time_text(min(d.made_at))), null, null)::onceflow.explanation, 5, min(d.id)
        from onceflow.delivery d
        where d.instance_id = p_id and d.state = 'kept' and v_instance.ended_at is null
        group by d.name)
    )
    select t.task, (t.why).because,
        case when (t.why).verb is not null
            then jsonb_build_object('verb', (t.why).verb, 'args', (t.why).args) end,
        onceflow.advice_statement((t.why).verb, (t.why).args)
    from told t
    where (t.why).because is not null
    order by t.place, t.n;
end $$;
revoke execute on function onceflow.explain_instance(uuid) from public;
