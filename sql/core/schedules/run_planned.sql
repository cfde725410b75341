-- run_planned(workflows, triggers, planned, causes) -> (n, state, instance_id, error)   (internal)
-- What comes of planned times whose turn it is, as the overlap of their schedules says: started (or refused: start_runs), queued
-- until what is under way has ended, or skipped. While only a backfill is under way, none is skipped. With `cancel` the
-- last one alone counts, and the others' instances are cancelled by cancel_overlapped_runs(). 100 at most wait
-- (`queue`). The rows of the triggers are locked.
create or replace function onceflow.run_planned(
    p_workflows bigint[], p_triggers text[], p_planned timestamptz[], p_causes text[])
returns table (n int, state text, instance_id uuid, error jsonb)
language plpgsql volatile as $$
#variable_conflict use_column
declare
    v_now constant timestamptz := onceflow.now();
    v_states text[];
    v_starting int[];
begin
    perform onceflow.settle_runs(p_workflows, p_triggers);
    select array_agg(case t.spec ->> 'overlap'
            when 'allow' then 'started'
            when 'queue' then case when k.nth = 1 and not b.busy and q.queued = 0 then 'started'
                when q.queued + k.nth <= 100 then 'queued' else 'skipped' end
            when 'cancel' then case when k.nth < k.of then 'skipped' when b.busy then 'queued' else 'started' end
            else case when k.nth > 1 or b.own or q.queued > 0 then 'skipped' when b.busy then 'queued' else 'started' end
        end order by k.n)
    into v_states
    from (
        select k.*, row_number() over by_time as nth, count(*) over (partition by k.workflow, k.trigger) as of
        from unnest(p_workflows, p_triggers, p_planned) with ordinality k (workflow, trigger, planned, n)
        window by_time as (partition by k.workflow, k.trigger order by k.planned)) k
    join onceflow.trigger t on t.workflow_id = k.workflow and t.trigger = k.trigger
    cross join lateral (
        select count(*) > 0 as busy, coalesce(bool_or(r.cause <> 'backfill'), false) as own
        from onceflow.schedule_run r
        where r.workflow_id = k.workflow and r.trigger = k.trigger and r.under_way) b
    cross join lateral (
        select count(*) as queued from onceflow.schedule_run r
        where r.workflow_id = k.workflow and r.trigger = k.trigger and r.state = 'queued' and r.cause <> 'backfill') q;
    v_starting := array(select s.n::int from unnest(v_states) with ordinality s (state, n) where s.state = 'started');

    -- Of those that wait to take another's place the last alone does.
    update onceflow.schedule_run r
    set state = 'skipped', at = v_now
    from unnest(p_workflows, p_triggers, p_planned, v_states) k (workflow, trigger, planned, state)
    join onceflow.trigger t on t.workflow_id = k.workflow and t.trigger = k.trigger and t.spec ->> 'overlap' = 'cancel'
    where k.state <> 'skipped' and r.workflow_id = k.workflow and r.trigger = k.trigger and r.planned_at <> k.planned
        and r.state = 'queued' and r.cause <> 'backfill';
    insert into onceflow.schedule_run (workflow_id, trigger, planned_at, cause, state, at)
    select k.workflow, k.trigger, k.planned, k.cause, k.state, v_now
    from unnest(p_workflows, p_triggers, p_planned, p_causes, v_states) k (workflow, trigger, planned, cause, state)
    where k.state <> 'started'
    order by k.workflow, k.trigger, k.planned
    on conflict do nothing;
    return query
    select v_starting[s.n], s.state, s.instance_id, s.error
    from onceflow.start_runs(
        array(select p_workflows[i] from unnest(v_starting) with ordinality s (i, n) order by s.n),
        array(select p_triggers[i] from unnest(v_starting) with ordinality s (i, n) order by s.n),
        array(select p_planned[i] from unnest(v_starting) with ordinality s (i, n) order by s.n),
        array(select p_causes[i] from unnest(v_starting) with ordinality s (i, n) order by s.n)) s
    union all
    select s.n::int, s.state, null, null
    from unnest(v_states) with ordinality s (state, n) where s.state <> 'started';
end $$;
revoke execute on function onceflow.run_planned(bigint[], text[], timestamptz[], text[]) from public;
