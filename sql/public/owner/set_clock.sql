-- set_clock(at) -> void
-- For tests: stands the clock of now() still at a time; null lets it run again.
create or replace function onceflow.set_clock(p_at timestamptz) returns void
language plpgsql volatile security definer set search_path = pg_catalog, pg_temp as $$
begin
    if p_at is null then
        delete from onceflow.test_clock;
    else
        insert into onceflow.test_clock (at) values (p_at)
        on conflict (one) do update set at = excluded.at;
    end if;
end $$;
revoke execute on function onceflow.set_clock(timestamptz) from public;
