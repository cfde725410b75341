-- reassign_forms(instance ids, tasks, by, to) -> (ordinal, instance_id, task, outcome, detail)
-- Asks other people or groups, in place of those who were asked; a claim ends. Their systems are told, as of a form that opens.
-- outcome: done | refused (detail says why: it is not open any more) | unknown.
-- Errors: WF002 arrays that differ, nobody named · WF004.
-- Also for: operator.
create or replace function onceflow.reassign_forms(p_instance_ids uuid[], p_tasks text[], p_by text, p_to text[])
returns table (ordinal int, instance_id uuid, task text, outcome text, detail text)
language plpgsql volatile security definer set search_path = pg_catalog, pg_temp as $$
begin
    return query select * from onceflow.change_forms('reassign', p_instance_ids, p_tasks, p_by, p_to);
end $$;
revoke execute on function onceflow.reassign_forms(uuid[], text[], text, text[]) from public;
