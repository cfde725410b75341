-- lock_triggers(workflows, triggers) -> void   (internal)
-- Locks entries of `on`, by the names of their workflows, in the order of their keys.
-- Errors: WF002 arrays that differ in length · WF004.
create or replace function onceflow.lock_triggers(p_workflows text[], p_triggers text[]) returns void
language plpgsql volatile as $$
begin
    perform onceflow.require_read_committed();
    if cardinality(p_workflows) is distinct from cardinality(p_triggers) then
        raise exception 'workflows and triggers differ in number: % and %', cardinality(p_workflows), cardinality(p_triggers)
            using errcode = 'WF002', hint = 'Give the workflow of each trigger.';
    end if;
    perform from onceflow.trigger t
    join onceflow.workflow w on w.id = t.workflow_id
    where (w.name, t.trigger) in (select * from unnest(p_workflows, p_triggers))
    order by t.workflow_id, t.trigger
    for no key update of t;
end $$;
revoke execute on function onceflow.lock_triggers(text[], text[]) from public;
