-- resume_queues(names) -> (queue, outcome, detail)
-- Ends pause_queues(): what waits is given out, what claims have held back by the clock's next turns.
-- outcome: done | unknown.
create or replace function onceflow.resume_queues(p_names text[])
returns table (queue text, outcome text, detail text)
language plpgsql volatile security definer set search_path = pg_catalog, pg_temp as $$
#variable_conflict use_column
declare
    v_changed text[];
begin
    perform from onceflow.queue q where q.name = any (p_names) order by q.name for no key update;
    v_changed := array(
        select q.name from onceflow.queue q where q.name = any (p_names) and q.paused_at is not null order by q.name);
    perform onceflow.record_audit('resume_queues', 'queue', v_changed);
    return query
    with changed as (
        update onceflow.queue q
        set paused_at = null, releasing = q.releasing or q.paused_at is not null
        where q.name = any (p_names)
        returning q.name, q.paused_at
    )
    select u.name, case when c.name is null then 'unknown' else 'done' end,
        case when c.name is null then 'there is no such queue' else 'its tasks are given out' end
    from (select distinct n as name from unnest(p_names) n where n is not null) u
    left join changed c on c.name = u.name
    order by u.name;
    perform onceflow.wake_sleepers(array_append(p_names, '*'));
end $$;
revoke execute on function onceflow.resume_queues(text[]) from public;
