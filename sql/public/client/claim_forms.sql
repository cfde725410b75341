-- claim_forms(instance ids, tasks, by) -> (ordinal, instance_id, task, outcome, detail)
-- Takes open forms upon oneself: from then on nobody else answers them, until they are released or reassigned.
-- outcome: done | refused (detail says why: somebody else has claimed it, or it is not open any more) | unknown.
-- Errors: WF002 arrays that differ, nobody named · WF004.
-- Also for: operator.
create or replace function onceflow.claim_forms(p_instance_ids uuid[], p_tasks text[], p_by text)
returns table (ordinal int, instance_id uuid, task text, outcome text, detail text)
language plpgsql volatile security definer set search_path = pg_catalog, pg_temp as $$
begin
    return query select * from onceflow.change_forms('claim', p_instance_ids, p_tasks, p_by);
end $$;
revoke execute on function onceflow.claim_forms(uuid[], text[], text) from public;
