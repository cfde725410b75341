-- set_clock(at) -> void
-- For tests: stands the clock of now() still at a time; null lets it run again.
create or replace function onceflow.set_clock(p_at timestamptz) returns void
language plpgsql volatile security definer set search_path = pg_catalog, pg_temp as $$
declare
    v_was constant timestamptz := (select c.at from onceflow.test_clock c);
begin
    if p_at is null then
        delete from onceflow.test_clock;
    else
        insert into onceflow.test_clock (at) values (p_at)
        on conflict (one) do update set at = excluded.at;
    end if;
    if p_at is distinct from v_was then
        perform onceflow.record_audit('set_clock', 'clock', '{test}',
            p_before => array[to_jsonb(onceflow.time_text(v_was))], p_after => array[to_jsonb(onceflow.time_text(p_at))]);
    end if;
end $$;
revoke execute on function onceflow.set_clock(timestamptz) from public;
