-- seconds_to_count(minute) -> number of seconds   (internal)
-- Out of how many seconds of a minute statistics are summed: all of them, unless its log is longer than entries_to_count(). Then
-- so many, out of the whole minute, as have that many entries together, and what they tell is multiplied: however
-- much is done, summing it takes no longer.
create or replace function onceflow.seconds_to_count(p_minute timestamptz) returns int
language plpgsql stable as $$
declare
    v_most constant int := onceflow.entries_to_count();
    v_count int := (select count(*) from (
        select from onceflow.task_log l
        where l.at >= p_minute and l.at < p_minute + interval '1 minute' limit v_most + 1) l);
    v_since timestamptz;
begin
    if v_count <= v_most then
        return 60;
    end if;
    v_count := 0;
    for n in 1 .. 59 loop
        v_since := p_minute + make_interval(secs => n * 37 % 60);
        v_count := v_count + (select count(*) from (
            select from onceflow.task_log l
            where l.at >= v_since and l.at < v_since + interval '1 second' limit v_most) l);
        if v_count >= v_most then
            return n;
        end if;
    end loop;
    return 60;
end $$;
revoke execute on function onceflow.seconds_to_count(timestamptz) from public;
