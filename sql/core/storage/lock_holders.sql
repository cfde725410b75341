-- lock_holders(tables) -> text   (internal)
-- Who holds locks on tables of ours, in words, the oldest transactions first.
create or replace function onceflow.lock_holders(p_tables text[]) returns text
language plpgsql volatile as $$
begin
    return coalesce((
        select string_agg(format('process %s%s%s', h.pid, coalesce(' (' || nullif(h.application_name, '') || ')', ''),
            coalesce(', whose transaction is open for ' || h.open_for, '')
                || coalesce(' and whose ' || case h.state when 'active' then '' else 'last ' end
                    || 'query began ' || h.query_age || ' ago', '')), '; ')
        from (
            select a.pid, a.application_name, a.state,
                date_trunc('milliseconds', clock_timestamp() - a.xact_start) as open_for,
                date_trunc('milliseconds', clock_timestamp() - a.query_start) as query_age
            from pg_stat_activity a
            where a.pid <> pg_backend_pid() and a.pid in (
                select l.pid from pg_locks l
                where l.granted and l.relation in (
                    select to_regclass('onceflow.' || quote_ident(t)) from unnest(p_tables) t))
            order by a.xact_start nulls last
            limit 3) h), 'nobody any more');
end $$;
revoke execute on function onceflow.lock_holders(text[]) from public;
