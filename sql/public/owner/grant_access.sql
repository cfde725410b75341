-- grant_access(role, kind) -> number of objects
-- Lets a role do the work of one kind of process or person, and no more: `worker`, `relay`, `client` (deploys
-- and starts workflows, reads) or `operator` (all of the client's, and the operators' functions). Tables stay
-- private. What the caller may do for it is done too, else a warning says what to type: the role gets a
-- statement_timeout of 30 s unless it has one, so that no single input can hold locks for long; and TEMP on the
-- database is taken from PUBLIC, which nothing of the engine needs. Call it again after an upgrade.
-- Errors: WF002 where the kind is none of these; undefined_object where the role does not exist.
create or replace function onceflow.grant_access(p_role name, p_kind text) returns int
language plpgsql volatile set search_path = pg_catalog, pg_temp as $$
declare
    v_worker constant text[] := array['register_worker', 'renew_worker', 'stop_worker', 'claim_tasks',
        'read_grants', 'complete_tasks', 'fail_tasks', 'defer_tasks', 'give_back_tasks', 'read_outcomes',
        'publish_events', 'quarantine_messages', 'require_transport', 'take_tasks'];
    v_relay constant text[] := array['take_outbox', 'drop_outbox', 'defer_outbox', 'list_queues',
        'read_watermark', 'requeue_lost_tasks', 'expire_workers', 'fire_timers',
        'begin_instances', 'fail_lost_attempts', 'enforce_deadlines', 'apply_deliveries', 'forget_events', 'remind_people',
        'read_schedules', 'fire_schedules', 'start_queued_runs', 'cancel_overlapped_runs', 'ensure_partitions',
        'require_transport', 'list_topic_triggers', 'open_positions', 'move_position', 'take_records', 'read_released',
        'preview_records', 'note_topic', 'sum_statistics', 'analyze_partitions'];
    v_client constant text[] := array['register_workflow', 'start_instances', 'explain_instance',
        'complete_deferred_tasks', 'fail_deferred_tasks', 'send_signals', 'signal_with_start', 'send_events', 'answer_forms', 'claim_forms', 'release_forms', 'reassign_forms', 'apply_deliveries',
        'receive_webhook', 'note_webhook_refusals', 'preview_records',
        -- What the views call; a view's functions run with its reader's rights.
        'task_name', 'idempotency_key', 'scope_place', 'scope_places', 'block_output', 'redrive_takes'];
    -- What the api asks and keeps of accounts, and their commands.
    v_accounts constant text[] := array['accounts_exist', 'admit_subject', 'change_person', 'close_session',
        'create_api_key', 'create_person', 'find_login', 'list_api_keys', 'list_people', 'open_session',
        'revoke_api_key', 'use_api_key', 'use_session'];
    v_operator constant text[] := array['cancel_instances', 'suspend_instances', 'resume_instances',
        'redrive_dead_letters', 'skip_dead_letters', 'discard_dead_letters', 'release_quarantine',
        'check_instances', 'drop_partitions', 'ensure_partitions', 'list_queues', 'switch_transport',
        'disable_workflows', 'enable_workflows', 'pause_queues', 'resume_queues',
        'pause_triggers', 'resume_triggers', 'trigger_schedules', 'backfill_schedules', 'cancel_overlapped_runs',
        'erase_instances', 'set_labels', 'set_config_values', 'drop_audit'];
    v_functions text[] := case p_kind
        when 'worker' then v_worker when 'relay' then v_relay
        when 'client' then v_client when 'operator' then v_client || v_operator || v_accounts end;
    -- What metrics and health checks of a deployment look at, as these roles; clients and operators read all.
    v_views constant name[] := case p_kind when 'worker' then '{workers}'
        when 'relay' then '{outbox_backlog,gauges,statistics,label_statistics}' end;
    v_database record;
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
            -- Not grants: it shows fences, by which a worker proves what it holds. Who did what is for operators.
            and case p_kind when 'operator' then c.relname <> 'grants'
                when 'client' then c.relname not in ('grants', 'audit') else c.relname = any (v_views) end
    loop
        execute format('grant %s on %s to %I',
            case when v_object like 'function %' then 'execute' else 'select' end, v_object, p_role);
        v_count := v_count + 1;
    end loop;
    select d.oid, d.datname, pg_has_role(current_user, d.datdba, 'usage') as is_ours, exists (
            select from aclexplode(coalesce(d.datacl, acldefault('d', d.datdba))) a
            where a.grantee = 0 and a.privilege_type = 'TEMPORARY') as is_open
    into v_database
    from pg_database d where d.datname = current_database();
    if not exists (
        select from pg_db_role_setting s join pg_roles r on r.oid = s.setrole
        where r.rolname = p_role and s.setdatabase in (0, v_database.oid)
            and exists (select from unnest(s.setconfig) c where c like 'statement_timeout=%'))
    then
        begin
            execute format('alter role %I set statement_timeout = %L', p_role, '30s');
        exception when insufficient_privilege then
            raise warning 'the role % has no statement_timeout, and % may not give it one', p_role, current_user
                using hint = format('Type, as a superuser: alter role %I set statement_timeout = %L;', p_role, '30s');
        end;
    end if;
    if v_database.is_open and v_database.is_ours then
        execute format('revoke temporary on database %I from public', v_database.datname);
    elsif v_database.is_open then
        raise warning 'anybody may make temporary tables in %, and % does not own it', v_database.datname, current_user
            using hint = format('Type, as its owner: revoke temporary on database %I from public;', v_database.datname);
    end if;
    perform onceflow.record_audit('grant_access', 'role', array[p_role::text],
        p_after => array[jsonb_build_object('access', p_kind)]);
    return v_count;
end $$;
revoke execute on function onceflow.grant_access(name, text) from public;
