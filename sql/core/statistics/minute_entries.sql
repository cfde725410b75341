-- minute_entries(minute, part)
--   -> (instance_id, step, scope, visit, attempt, state, handed_off, at, event, weighed)   (internal)
-- What the log has of a minute: all of one in p_part instances, 1 or another power of two (weighed), and of the others what has failed.
-- event: 0 an attempt was queued (attempt: the one that will be made), 1 claimed, 2 answered, of which it has one
-- each; 3 something else that counts for statistics; null: nothing that does. A dead letter that becomes a record is none more:
-- of one that was claimed the worker's answer counts.
create or replace function onceflow.minute_entries(p_minute timestamptz, p_part int)
returns table (
    instance_id uuid, step text, scope bigint, visit int, attempt int, state text, handed_off boolean, at timestamptz,
    event int, weighed boolean)
language sql stable as $$
    select l.instance_id, l.step, l.scope, l.visit,
        case l.state when 'QUEUED' then l.attempt + 1 else l.attempt end, l.state, l.seq is not null, l.at,
        case
            when l.step is null then case
                when l.scope is null and l.state = any ('{RUNNING,SUCCEEDED,FAILED,COMPENSATED,CANCELLED}') then 3 end
            when l.state = 'QUEUED' then 0
            when l.state = 'RUNNING' then 1
            when l.state = any ('{WAITING,READY}') then null
            when l.attempt > 0 and (l.worker_id is not null or l.state = any ('{SUCCEEDED,RETRYING}')) then 2
            when l.attempt = 0 or l.state <> all ('{DEAD_LETTER,FAILED}') then 3
        end,
        uuid_hash(l.instance_id) & (p_part - 1) = 0
    from onceflow.task_log l
    where l.at >= p_minute and l.at < p_minute + interval '1 minute'
        and (p_part = 1 or uuid_hash(l.instance_id) & (p_part - 1) = 0
            or l.state = any ('{RETRYING,DEAD_LETTER,FAILED,COMPENSATED}'))
$$;
revoke execute on function onceflow.minute_entries(timestamptz, int) from public;
