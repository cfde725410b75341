-- backfill_schedules(workflow, trigger, planned) -> (planned_at, outcome)
-- Has instances of a schedule started for times in its past, which are given as its plan has them (engine/schedules computes
-- them): each is queued, and the clock starts them one after the other, ten at a time where they may overlap.
-- outcome: queued | known (it has started, or waits already) | later (the schedule comes to it by itself).
-- Errors: WF001 where there is no such schedule.
create or replace function onceflow.backfill_schedules(p_workflow text, p_trigger text, p_planned timestamptz[])
returns table (planned_at timestamptz, outcome text)
language plpgsql volatile security definer set search_path = pg_catalog, pg_temp as $$
#variable_conflict use_column
declare
    v_of onceflow.trigger;
    v_queued timestamptz[];
begin
    perform onceflow.lock_triggers(array[p_workflow], array[p_trigger]);
    select t.* into v_of
    from onceflow.trigger t join onceflow.workflow w on w.id = t.workflow_id
    where w.name = p_workflow and t.trigger = p_trigger and t.kind = 'schedule';
    if not found then
        raise exception 'the workflow % has no schedule %', quote_nullable(p_workflow), quote_nullable(p_trigger)
            using errcode = 'WF001', hint = 'See onceflow.triggers.';
    end if;
    with queued as (
        insert into onceflow.schedule_run as r (workflow_id, trigger, planned_at, cause, state, at)
        select v_of.workflow_id, v_of.trigger, u.at, 'backfill', 'queued', onceflow.now()
        from (select distinct u as at from unnest(p_planned) u) u
        where u.at <= v_of.done_until
            -- Also where what came of it is forgotten, as long as its instance is kept.
            and not exists (
                select from onceflow.idempotency_key k
                where k.workflow_id = v_of.workflow_id
                    and k.key = v_of.trigger || '/' || onceflow.exact_time(u.at))
        order by u.at
        on conflict (workflow_id, trigger, planned_at) do update
        set cause = 'backfill', state = 'queued', at = excluded.at, until = null, count = null, error = null
        where r.state in ('skipped', 'missed', 'refused')
        returning planned_at
    )
    select array_agg(q.planned_at order by q.planned_at) into v_queued from queued q;
    if v_queued is not null then
        perform onceflow.record_audit('backfill_schedules', 'trigger', array[p_workflow], array[p_trigger],
            p_after => array[jsonb_build_object('queued', cardinality(v_queued), 'first', onceflow.time_text(v_queued[1]),
                'last', onceflow.time_text(v_queued[cardinality(v_queued)]))]);
    end if;
    return query
    select u.at, case when u.at > v_of.done_until then 'later' when u.at = any (v_queued) then 'queued' else 'known' end
    from (select distinct u as at from unnest(p_planned) u where u is not null) u
    order by u.at;
end $$;
revoke execute on function onceflow.backfill_schedules(text, text, timestamptz[]) from public;
