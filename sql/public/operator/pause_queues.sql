-- pause_queues(names) -> (queue, outcome, detail)
-- Lets no task of the queues be given out, by claims, takes or hand-offs: what runs goes on, what comes due waits.
-- outcome: done (detail says since when) | unknown.
create or replace function onceflow.pause_queues(p_names text[])
returns table (queue text, outcome text, detail text)
language plpgsql volatile security definer set search_path = pg_catalog, pg_temp as $$
#variable_conflict use_column
declare
    v_changed text[];
begin
    perform from onceflow.queue q where q.name = any (p_names) order by q.name for no key update;
    v_changed := array(
        select q.name from onceflow.queue q where q.name = any (p_names) and q.paused_at is null order by q.name);
    perform onceflow.record_audit('pause_queues', 'queue', v_changed);
    return query
    with changed as (
        update onceflow.queue q
        set paused_at = coalesce(q.paused_at, clock_timestamp())
        where q.name = any (p_names)
        returning q.name, q.paused_at
    )
    select u.name, case when c.name is null then 'unknown' else 'done' end,
        case when c.name is null then 'there is no such queue' else 'paused since ' || onceflow.time_text(c.paused_at) end
    from (select distinct n as name from unnest(p_names) n where n is not null) u
    left join changed c on c.name = u.name
    order by u.name;
end $$;
revoke execute on function onceflow.pause_queues(text[]) from public;
