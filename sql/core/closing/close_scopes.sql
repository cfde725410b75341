-- close_scopes(sorted ids, scopes, failed, token) -> (changes, touched)   (internal)
-- Begins the end of scopes of locked instances and of all beneath them, with that of their tasks (end_tasks): those
-- that have failed are FAILED, and dead letters that were open hold nobody any more. o_touched are the scopes that close.
create or replace function onceflow.close_scopes(
    p_ids uuid[], p_scopes onceflow.closing_scope[], p_failed onceflow.task_key[], p_token uuid,
    out o_changes onceflow.change[], out o_touched onceflow.scope_key[])
language plpgsql volatile as $$
declare
    v_ways constant onceflow.failed_way[] := onceflow.failed_ways(p_failed);
    v_all constant onceflow.closing_scope[] := onceflow.scopes_beneath(p_scopes);
    v_shut record;
begin
    o_changes := onceflow.end_tasks(p_ids, onceflow.listed_tasks(p_ids, v_all), p_failed, v_ways, 'FAILED', p_token);
    perform onceflow.note_dead_letters(array(
        select distinct c.instance_id from unnest(o_changes) c where c.was = 'DEAD_LETTER' order by 1));
    v_shut := onceflow.shut_scopes(p_ids, v_all, v_ways);
    o_changes := o_changes || v_shut.o_changes;
    o_touched := v_shut.o_touched;
end $$;
revoke execute on function onceflow.close_scopes(
    uuid[], onceflow.closing_scope[], onceflow.task_key[], uuid) from public;
