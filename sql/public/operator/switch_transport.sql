-- switch_transport(transport, limit) -> (shipped, done)
-- Has messages travel by p_transport, kafka or postgres, from now on. Workers are stopped before; call it
-- until it says done. From the first call to the last the deployment is `switching`: nothing takes from the
-- outbox, so a QUEUED task that has no message there has none that anybody will read, and is shipped again: up
-- to p_limit a call. What an old broker still holds of it claims nothing any more. Calling it again finishes
-- what was broken off, or goes back.
-- Errors: WF002 · WF005 while workers live; and to postgres, while events or dead letters wait to be
-- shipped, or where a workflow that is still used publishes to Kafka, or is started by a topic · WF004.
create or replace function onceflow.switch_transport(p_transport text, p_limit int default 1000)
returns table (shipped int, done boolean)
language plpgsql volatile security definer set search_path = pg_catalog, pg_temp as $$
declare
    v_was text;
    v_obstacle text;
    v_keys onceflow.task_key[];
    v_dispatches xid8[];
begin
    if p_transport is null or p_transport not in ('kafka', 'postgres') then
        raise exception 'there is no transport %', quote_nullable(p_transport)
            using errcode = 'WF002', hint = 'Choose kafka or postgres.';
    end if;
    perform onceflow.require_read_committed();
    -- Waits for relays in the middle of a batch and for events in open transactions.
    lock table onceflow.deployment in exclusive mode;
    select d.transport into v_was from onceflow.deployment d;
    if v_was = p_transport then
        return query select 0, true;
        return;
    end if;
    select string_agg(w.name, ', ' order by w.name) into v_obstacle from onceflow.worker w
    where w.state = 'live' and w.lease_until > clock_timestamp();
    if v_obstacle is not null then
        raise exception 'workers are live: %', v_obstacle
            using errcode = 'WF005', hint = 'Stop them first; one that was killed lives until its lease is over.';
    end if;
    if v_was = 'kafka' then
        if exists (select from onceflow.outbox o where o.kind <> 'task') then
            raise exception 'events or dead letters wait to be shipped to Kafka'
                using errcode = 'WF005', hint = 'Let a relay ship them first; see onceflow.outbox_backlog.';
        end if;
        select string_agg(format('%s (version %s)', w.name, v.version), ', ' order by w.name, v.version)
        into v_obstacle
        from onceflow.workflow_version v
        join onceflow.workflow w on w.id = v.workflow_id
        where exists (select from onceflow.step s
                where s.version_id = v.id and s.spec ->> 'task' = 'kafka.publish')
            and (not exists (select from onceflow.workflow_version l
                    where l.workflow_id = v.workflow_id and l.version > v.version)
                or exists (select from onceflow.instance i
                    where i.version_id = v.id and i.state in ('RUNNING', 'CLOSING', 'COMPENSATING')));
        if v_obstacle is not null then
            raise exception 'workflows publish to Kafka: %', v_obstacle using errcode = 'WF005',
                hint = 'Deploy them without kafka.publish, and let instances of older versions end.';
        end if;
        select string_agg(format('%s of %s', t.trigger, w.name), ', ' order by w.name, t.trigger) into v_obstacle
        from onceflow.trigger t join onceflow.workflow w on w.id = t.workflow_id
        where t.kind = 'kafka';
        if v_obstacle is not null then
            raise exception 'topics start workflows: %', v_obstacle
                using errcode = 'WF005', hint = 'Deploy them without these entries of `on`.';
        end if;
    end if;

    update onceflow.deployment d set transport = 'switching', towards = p_transport
    where d.towards is distinct from p_transport;
    if found then
        perform onceflow.record_audit('switch_transport', 'transport', array[p_transport],
            p_before => array[jsonb_build_object('transport', v_was)],
            p_after => array[jsonb_build_object('transport', 'switching')]);
    end if;
    select array_agg(row(l.instance_id, l.step, l.scope, l.visit)::onceflow.task_key), array_agg(l.queued_xid)
    into v_keys, v_dispatches
    from (
        select t.instance_id, t.step, t.scope, t.visit, t.queued_xid
        from onceflow.task t
        where t.queued_xid is not null and not exists (
            select from onceflow.outbox o
            where o.kind = 'task' and o.queued_xid = t.queued_xid and split_part(o.key, '/', 1) = t.instance_id::text
                and o.value::jsonb ->> 'task' = onceflow.task_name(t.step, t.scope, t.visit))
        order by t.queued_xid
        limit p_limit) l;
    if v_keys is not null then
        return query select onceflow.requeue_tasks(v_keys, v_dispatches), false;
        return;
    end if;
    if p_transport = 'postgres' then
        -- Those of the meantime: the dead letters themselves are rows, and stay.
        delete from onceflow.outbox o where o.kind in ('dead_letter', 'form');
    end if;
    update onceflow.deployment set transport = p_transport, towards = null;
    perform onceflow.record_audit('switch_transport', 'transport', array[p_transport],
        p_before => array[jsonb_build_object('transport', 'switching')],
        p_after => array[jsonb_build_object('transport', p_transport)]);
    return query select 0, true;
end $$;
revoke execute on function onceflow.switch_transport(text, int) from public;
