-- step_context(instance, version, step, scope, visit, kind, reads, config, told) -> jsonb   (internal)
-- What the expressions of one step see: input, instance, and of the steps what they name: `ID` in p_reads for an output,
-- `ID.state` and the like for the rest.
-- In a scope also what the blocks around it give. A compensation also sees output, task_input and key of the step that
-- it undoes, a notice the error of its instance. Of the deployment's configuration they see the values that they name (p_config, null for none), as they are
-- now. Who asks for it (p_told) is told the time, which is that of the call and so the same throughout a transition, and
-- the name of the task.
create or replace function onceflow.step_context(
    p_instance_id uuid, p_version_id bigint, p_step text, p_scope bigint, p_visit int,
    p_kind text, p_reads jsonb, p_config jsonb default null, p_told jsonb default null)
returns jsonb
language plpgsql stable as $$
declare
    v_context jsonb;
begin
    select jsonb_build_object(
        'input', i.input,
        'instance', jsonb_build_object(
            'id', i.id, 'workflow', w.name, 'version', v.version, 'started_at', i.started_at,
            'trigger', i.trigger, 'scheduled_at',
            case when i.scheduled_at is not null then onceflow.exact_time(i.scheduled_at) end,
            'parent', i.parent_id, 'root', coalesce(i.root_id, i.id)),
        'steps', case when jsonb_array_length(p_reads) = 0 then '{}'
            when v.blocks then onceflow.seen_steps(p_instance_id, p_version_id, p_scope, p_reads)
            else coalesce((
            select jsonb_object_agg(t.step, jsonb_build_object('output', case when p_reads ? t.step then t.output end,
                'state', t.state, 'error', case t.state when 'FAILED' then t.error end))
            from onceflow.task t
            where t.instance_id = p_instance_id and t.scope = 0
                and t.step = any (array(
                    select split_part(r, '.', 1) from jsonb_array_elements_text(p_reads) r))), '{}') end)
        || case when p_scope > 0 then onceflow.seen_items(
            p_instance_id, p_version_id, p_scope, p_reads ? '$.previous') else '{}' end
    into v_context
    -- Alone, or by way of the join the index that begins with the version looks as good as the key.
    from (select i.* from onceflow.instance i where i.id = p_instance_id offset 0) i
    join onceflow.workflow_version v on v.id = i.version_id
    join onceflow.workflow w on w.id = v.workflow_id;

    if p_kind = 'notice' then
        select v_context || jsonb_build_object('error', i.error) into v_context
        from onceflow.instance i where i.id = p_instance_id;
    elsif p_kind = 'compensation' then
        select v_context || jsonb_build_object(
            'output', t.output,
            'task_input', t.input,
            'key', onceflow.idempotency_key(t.instance_id, onceflow.task_name(t.step, t.scope, t.visit)))
        into v_context
        from onceflow.edge e
        join onceflow.task t on t.instance_id = p_instance_id and t.step = e.from_step
            and t.scope = p_scope and t.visit = p_visit
        where e.version_id = p_version_id and e.to_step = p_step and e.kind = 'undo';
    end if;
    if p_config is not null then
        v_context := v_context || jsonb_build_object('config', coalesce((
            select jsonb_object_agg(n.name, c.value)
            from (select p #>> '{}' as name from jsonb_path_query(p_config, 'lax $[*]') p) n
            cross join lateral (
                select c.value from onceflow.config_value c
                where c.name = n.name order by c.version desc limit 1) c
            where c.value is not null), '{}'));
    end if;
    if p_told ?| '{now,task}' then
        v_context := v_context || jsonb_build_object(
            '@now', onceflow.exact_time(onceflow.now()),
            '@task', p_instance_id || '/' || onceflow.task_name(coalesce(p_step, 'workflow.output'), p_scope, p_visit));
    end if;
    return v_context;
end $$;
revoke execute on function onceflow.step_context(
    uuid, bigint, text, bigint, int, text, jsonb, jsonb, jsonb) from public;
