-- drop_audit(before, limit) -> number of rows
-- Deletes up to p_limit rows of the audit that are older than a time, the oldest first; that it did is a row itself. Call it
-- until it gives 0: onceflow drop-audit, or psql's \watch m=1. Nobody takes what he has just done out of it: 30 days stay.
-- Errors: WF002 a time within the last 30 days.
create or replace function onceflow.drop_audit(p_before timestamptz, p_limit int default 10000) returns int
language plpgsql volatile security definer set search_path = pg_catalog, pg_temp as $$
declare
    v_count int;
begin
    if (p_before <= clock_timestamp() - interval '30 days') is not true then
        raise exception 'the last 30 days of the audit are kept, and % is within them', onceflow.time_text(p_before)
            using errcode = 'WF002', hint = 'Give an earlier time.';
    end if;
    -- An array, which is made once: a plan may read a subquery again for each row.
    delete from onceflow.audit_entry a
    where a.id = any (array(
        select d.id from onceflow.audit_entry d where d.at < p_before
        order by d.at, d.id limit p_limit for update skip locked));
    get diagnostics v_count = row_count;
    if v_count > 0 then
        perform onceflow.record_audit('drop_audit', 'audit', '{audit}',
            p_after => array[jsonb_build_object('before', onceflow.time_text(p_before), 'rows', v_count)]);
    end if;
    return v_count;
end $$;
revoke execute on function onceflow.drop_audit(timestamptz, int) from public;
