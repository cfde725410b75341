-- trim_labels(limit) -> void   (internal)
-- Deletes of onceflow.label_statistic what is older than all that onceflow.statistic has, p_limit rows of each span a call; and notes
-- whether anything is left.
create or replace function onceflow.trim_labels(p_limit int) returns void
language plpgsql volatile as $$
begin
    delete from onceflow.label_statistic l
    where l.ctid = any (array(
        select o.ctid from unnest('{60,600,3600,86400}'::int[]) g (seconds)
        cross join lateral (
            select coalesce(min(s.at), 'infinity') as at from onceflow.statistic s where s.seconds = g.seconds) k
        cross join lateral (
            select o.ctid from onceflow.label_statistic o
            where o.seconds = g.seconds and o.at < k.at
            order by o.seconds, o.at limit p_limit) o));
    update onceflow.statistic_clock c set labelled = not c.labelled
    where c.labelled <> exists (select from onceflow.label_statistic);
end $$;
revoke execute on function onceflow.trim_labels(int) from public;
