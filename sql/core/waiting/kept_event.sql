-- kept_event(instance, step, name, key, now) -> event   (internal)
-- The oldest event that a step which begins to wait takes at once: sent not longer than its `keep` ago, and not taken by
-- this step of this instance yet, in whatever scope or visit.
create or replace function onceflow.kept_event(
    p_instance_id uuid, p_step text, p_name text, p_key text, p_now timestamptz)
returns setof onceflow.event
language plpgsql stable rows 1 as $$
declare
    v_keep constant float8 := (
        select s.spec ->> 'keep'
        from onceflow.instance i
        join onceflow.step s on s.version_id = i.version_id and s.step = p_step
        where i.id = p_instance_id)::float8;
begin
    if v_keep > 0 then
        return query
        select e.* from onceflow.event e
        where e.name = p_name and e.key = p_key and e.sent_at >= p_now - make_interval(secs => v_keep)
            and not exists (
                select from onceflow.delivery d
                where d.instance_id = p_instance_id and d.step = p_step and d.key = e.id and d.kind = 'event'
                    and d.name = p_name and d.state in ('sent', 'taken'))
        order by e.sent_at, e.n
        limit 1;
    end if;
end $$;
revoke execute on function onceflow.kept_event(uuid, text, text, text, timestamptz) from public;
