-- grant_access(role, kind) -> number of objects
-- Lets a role do the work of one kind of process or person, and no more: `worker`, `relay`, `client` (deploys
-- and starts workflows, reads) or `operator` (all of the client's, and the operators' functions). Tables stay
-- private. A worker's role gets a statement_timeout of 30 s unless it has one, so that no single input can
-- hold locks for long. Call it again after an upgrade.
-- Errors: WF002 where the kind is none of these; undefined_object where the role does not exist.
create or replace function onceflow.grant_access(p_role name, p_kind text) returns int
language plpgsql volatile set search_path = pg_catalog, pg_temp as $$
declare
    v_worker constant text[] := array['register_worker', 'renew_worker', 'stop_worker', 'claim_tasks',
        'read_grants', 'complete_tasks', 'fail_tasks', 'give_back_tasks', 'read_outcomes',
        'publish_events', 'quarantine_messages', 'require_transport', 'take_tasks'];
    v_relay constant text[] := array['take_outbox', 'drop_outbox', 'defer_outbox', 'list_queues',
        'read_watermark', 'requeue_lost_tasks', 'expire_workers', 'fire_timers',
        'fail_lost_attempts', 'enforce_deadlines', 'ensure_partitions', 'require_transport'];
    v_client constant text[] := array['register_workflow', 'start_instances', 'explain_instance',
        -- What the views call; a view's functions run with its reader's rights.
        'task_name', 'idempotency_key'];
    v_operator constant text[] := array['cancel_instances', 'suspend_instances', 'resume_instances',
        'redrive_dead_letters', 'skip_dead_letters', 'discard_dead_letters', 'release_quarantine',
        'check_instances', 'drop_partitions', 'ensure_partitions', 'list_queues', 'switch_transport'];
    v_functions text[] := case p_kind
        when 'worker' then v_worker when 'relay' then v_relay
        when 'client' then v_client when 'operator' then v_client || v_operator end;
    v_object text;
    v_count int := 0;
begin
    if v_functions is null then
        raise exception 'there is no kind of access %', quote_nullable(p_kind)
            using errcode = 'WF002', hint = 'Choose worker, relay, client or operator.';
    end if;
    execute format('grant usage on schema onceflow to %I', p_role);
    for v_object in
        select 'function ' || p.oid::regprocedure
        from pg_proc p
        where p.pronamespace = 'onceflow'::regnamespace and p.proname = any (v_functions)
        union all
        select c.oid::regclass::text
        from pg_class c
        where c.relnamespace = 'onceflow'::regnamespace and c.relkind = 'v'
            and p_kind in ('client', 'operator')
            and c.relname <> 'grants' -- it shows fences, by which a worker proves what it holds
    loop
        execute format('grant %s on %s to %I',
            case when v_object like 'function %' then 'execute' else 'select' end, v_object, p_role);
        v_count := v_count + 1;
    end loop;
    if p_kind = 'worker' and not exists (
        select from pg_roles r where r.rolname = p_role
            and exists (select from unnest(r.rolconfig) c where c like 'statement_timeout=%'))
    then
        execute format('alter role %I set statement_timeout = %L', p_role, '30s');
    end if;
    return v_count;
end $$;
revoke execute on function onceflow.grant_access(name, text) from public;
