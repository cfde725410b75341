-- minute_entries(minute, seconds)
--   -> (instance_id, step, scope, visit, attempt, state, seq, at, timed)   (internal)
-- What the log has of a minute, out of so many of its seconds, that counts for statistics. attempt: of a task that is queued
-- the one that will be made. timed: it tells when an attempt was queued, claimed or answered, of which it has one each.
create or replace function onceflow.minute_entries(p_minute timestamptz, p_seconds int)
returns table (
    instance_id uuid, step text, scope bigint, visit int, attempt int, state text, seq int, at timestamptz, timed boolean)
language sql stable as $$
    select l.instance_id, l.step, l.scope, l.visit, l.attempt + case l.state when 'QUEUED' then 1 else 0 end,
        l.state, l.seq, l.at,
        l.step is not null and (l.state in ('QUEUED', 'RUNNING')
            or l.attempt > 0 and (l.state in ('SUCCEEDED', 'RETRYING') or l.worker_id is not null))
    from (
        select p_minute as since, interval '1 minute' as long where p_seconds = 60
        union all
        select p_minute + make_interval(secs => n * 37 % 60), interval '1 second'
        from generate_series(1, p_seconds) n where p_seconds < 60) r
    cross join lateral (
        select l.* from onceflow.task_log l
        where l.at >= r.since and l.at < r.since + r.long
            and (l.step is not null or l.scope is null)
            and l.state = any (
                '{QUEUED,RUNNING,SUCCEEDED,RETRYING,FAILED,DEAD_LETTER,SKIPPED,CANCELLED,COMPENSATED}')
        offset 0) l
$$;
revoke execute on function onceflow.minute_entries(timestamptz, int) from public;
