-- trim_statistics(now, limit) -> void   (internal)
-- Deletes statistics that are older than they are kept: minutes for three hours, and until they are summed for good, for
-- which a transaction that is open is waited for two days; tens of them for two days, hours for 35 days, days for two
-- years. At most p_limit rows of each a call.
create or replace function onceflow.trim_statistics(p_now timestamptz, p_limit int) returns void
language plpgsql volatile as $$
begin
    delete from onceflow.statistic_minute m where m.counted and m.minute < p_now - interval '2 days';
    delete from onceflow.statistic s
    using (
        select o.*
        from (values (60, interval '3 hours'), (600, interval '2 days'), (3600, interval '35 days'),
            (86400, interval '730 days')) k (seconds, kept)
        cross join lateral (
            select o.seconds, o.workflow, o.step, o.at, o.outcome from onceflow.statistic o
            where o.seconds = k.seconds and o.at < p_now - k.kept
                and not (o.seconds = 60 and exists (
                    select from onceflow.statistic_minute m where m.minute = o.at))
            order by o.seconds, o.at limit p_limit) o) o
    where s.seconds = o.seconds and s.workflow = o.workflow and s.step = o.step and s.at = o.at
        and s.outcome = o.outcome;
end $$;
revoke execute on function onceflow.trim_statistics(timestamptz, int) from public;
