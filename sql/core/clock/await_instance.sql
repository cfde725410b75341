-- await_instance(before) -> void   (internal)
-- Waits a moment for the instance of which a transition was cut longest ago, before that time: it is always busy, and so never
-- free for the clock, which else leaves out what others hold.
create or replace function onceflow.await_instance(p_before timestamptz) returns void
language plpgsql volatile as $$
declare
    v_timeout constant text := current_setting('lock_timeout');
    v_id constant uuid := (
        select i.id from onceflow.instance i where i.resume_at < p_before order by i.resume_at limit 1);
begin
    if v_id is not null then
        perform set_config('lock_timeout', '200ms', true);
        perform from onceflow.instance i where i.id = v_id for no key update;
        perform set_config('lock_timeout', v_timeout, true);
    end if;
exception when lock_not_available then
    null;
end $$;
revoke execute on function onceflow.await_instance(timestamptz) from public;
