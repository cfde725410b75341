-- check_start_times(start times, ids, errors, now) -> (ids, errors)   (internal)
-- Of the items of a start, as check_starts() has them: one that is to start at a time that is none, or in more than
-- ten years, gets no id, and an error.
-- Errors: WF002 where there are not as many times as items.
create or replace function onceflow.check_start_times(
    p_start_at timestamptz[], p_ids uuid[], p_errors jsonb[], p_now timestamptz, out o_ids uuid[], out o_errors jsonb[])
language plpgsql stable as $$
begin
    if cardinality(p_start_at) is distinct from cardinality(p_ids) then
        raise exception 'inputs and start times differ in number: % and %', cardinality(p_ids), cardinality(p_start_at)
            using errcode = 'WF002', hint = 'Give one time (or null) for each input, or none at all.';
    end if;
    select array_agg(case when k.fits then k.id end order by k.n),
        array_agg(case when k.fits or k.error is not null then k.error
            else jsonb_build_object('code', 'invalid_start_at', 'message',
                'it is to start at ' || onceflow.time_text(k.at) || ', and ten years from now is the latest') end order by k.n)
    into o_ids, o_errors
    from (
        select k.*, k.at is null or k.at between '-infinity' and p_now + interval '10 years' as fits
        from unnest(p_start_at, p_ids, p_errors) with ordinality k (at, id, error, n)) k;
end $$;
revoke execute on function onceflow.check_start_times(timestamptz[], uuid[], jsonb[], timestamptz) from public;
