-- explain_clock() -> explanation   (internal)
-- Since when no relay has turned the clock, and what stands still by that; null while one does.
create or replace function onceflow.explain_clock() returns onceflow.explanation
language plpgsql stable as $$
declare
    v_heartbeat record;
begin
    select h.turns, h.turned_at, h.turned_by into v_heartbeat from onceflow.heartbeat h;
    if v_heartbeat.turns then
        return null;
    end if;
    return row(format('no relay has turned the clock %s, so nothing is %s; start one',
        case when v_heartbeat.turned_at is null then 'yet' else 'since ' || onceflow.time_text(v_heartbeat.turned_at)
            || coalesce(' (it was ' || v_heartbeat.turned_by || ')', '') end,
        case (select d.transport from onceflow.deployment d) when 'postgres' then '' else 'shipped, ' end
            || 'retried, timed out or given out again'), 'relay', '{}')::onceflow.explanation;
end $$;
revoke execute on function onceflow.explain_clock() from public;
