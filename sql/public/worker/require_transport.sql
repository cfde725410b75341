-- require_transport(transport) -> void
-- Raises unless messages of this deployment travel by p_transport, kafka or postgres: over any other they
-- would go where nobody looks. Until its transaction ends no switch_transport() changes the answer.
-- Errors: WF005 where the deployment's transport is another, or is being switched.
-- Also for: relay.
create or replace function onceflow.require_transport(p_transport text) returns void
language plpgsql volatile security definer set search_path = pg_catalog, pg_temp as $$
declare
    v_transport text;
begin
    -- Of a table that is private; an advisory lock could be held by anybody who is connected.
    lock table onceflow.deployment in row share mode;
    select d.transport into v_transport from onceflow.deployment d;
    if v_transport = p_transport then
        return;
    elsif v_transport = 'switching' then
        raise exception 'the transport of this deployment is being switched'
            using errcode = 'WF005',
            hint = format('Wait, or finish what was broken off: onceflow transport %s', p_transport);
    end if;
    raise exception 'the transport of this deployment is %, and not %', v_transport, p_transport
        using errcode = 'WF005', hint = format(
            'Set ONCEFLOW_TRANSPORT=%s; or stop all workers and run: onceflow transport %s',
            v_transport, p_transport);
end $$;
revoke execute on function onceflow.require_transport(text) from public;
