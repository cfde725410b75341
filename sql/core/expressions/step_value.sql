-- step_value(instance, version, step, scope, visit, given, kind, spec) -> evaluation   (internal)
-- What a step begins with, evaluated now: whether it runs, and its input, or the error. Where p_given is given, a person has
-- decided that it runs. Inlined where it is called, so give columns or variables.
create or replace function onceflow.step_value(
    p_instance_id uuid, p_version_id bigint, p_step text, p_scope bigint, p_visit int,
    p_given jsonb, p_kind text, p_spec jsonb)
returns onceflow.evaluation
language sql stable as $$
    select onceflow.try_evaluate(
        case when p_kind <> 'compensation' and p_given is null then p_spec -> 'when' end,
        case p_kind when 'switch' then jsonb_build_object('s', p_spec -> 'lists', 'g', p_given) else p_spec -> 'with' end,
        onceflow.step_context(p_instance_id, p_version_id, p_step, p_scope, p_visit,
            p_kind, p_spec -> 'reads', p_spec -> 'config', p_spec -> 'told'))
$$;
revoke execute on function onceflow.step_value(uuid, bigint, text, bigint, int, jsonb, text, jsonb) from public;
