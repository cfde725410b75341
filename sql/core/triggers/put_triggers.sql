-- put_triggers(workflow, version, triggers) -> void   (internal)
-- Makes the triggers of a workflow what its latest version says, p_triggers: [{trigger, kind, spec}]; what is gone there is
-- gone, with all that was kept of it. One that stays, with its id and its kind, stays paused, and where it was; of a
-- schedule that plans other times the next is computed anew; one that was due by the plan before, and that nobody had fired yet, is
-- told as missed. The row of the workflow is locked.
create or replace function onceflow.put_triggers(p_workflow_id bigint, p_version_id bigint, p_triggers jsonb) returns void
language plpgsql volatile as $$
declare
    v_now timestamptz := onceflow.now();
begin
    perform from onceflow.trigger t where t.workflow_id = p_workflow_id order by t.trigger for update;
    delete from onceflow.trigger t
    where t.workflow_id = p_workflow_id and not exists (
        select from jsonb_to_recordset(p_triggers) e (trigger text, kind text)
        where e.trigger = t.trigger and e.kind = t.kind);
    -- Before the new plans are there to be compared with.
    insert into onceflow.schedule_run (workflow_id, trigger, planned_at, cause, state, at, until)
    select t.workflow_id, t.trigger, t.next_at, 'schedule', 'missed', v_now, v_now
    from jsonb_to_recordset(p_triggers) e (trigger text, spec jsonb)
    join onceflow.trigger t on t.workflow_id = p_workflow_id and t.trigger = e.trigger and t.kind = 'schedule'
    where t.spec -> 'plan' <> e.spec -> 'plan' and t.next_at <= v_now and t.due_at <= v_now
    order by t.trigger
    on conflict do nothing;
    update onceflow.trigger t
    set done_until = v_now, next_at = null, turn = t.turn + 1,
        due_at = case when t.paused_at is null then '-infinity'::timestamptz end
    from jsonb_to_recordset(p_triggers) e (trigger text, spec jsonb)
    where t.workflow_id = p_workflow_id and t.trigger = e.trigger and t.kind = 'schedule'
        and t.spec -> 'plan' <> e.spec -> 'plan';
    insert into onceflow.trigger (workflow_id, trigger, kind, version_id, spec, done_until, due_at)
    select p_workflow_id, e.trigger, e.kind, p_version_id, e.spec, case e.kind when 'schedule' then v_now end,
        case e.kind when 'schedule' then '-infinity'::timestamptz end
    from jsonb_to_recordset(p_triggers) e (trigger text, kind text, spec jsonb)
    order by e.trigger
    on conflict (workflow_id, trigger) do update set version_id = excluded.version_id, spec = excluded.spec;
end $$;
revoke execute on function onceflow.put_triggers(bigint, bigint, jsonb) from public;
