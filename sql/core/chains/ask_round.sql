-- ask_round(block, version, spec, asked, given) -> evaluation   (internal)
-- The condition of a repeat, `until` or `while`: it sees the steps of the last round, and a `while` the number of the next and
-- what that sees as $.previous. Its error has the condition as its place. Where a person has given what holds, that.
create or replace function onceflow.ask_round(
    p_block onceflow.block, p_version_id bigint, p_spec jsonb, p_asked text, p_given jsonb)
returns onceflow.evaluation
language plpgsql stable as $$
declare
    -- In their order, as which the key has them not: it would be gone through for all scopes of the instance.
    v_scope constant bigint := coalesce((
        select s.scope from onceflow.scope s
        where s.instance_id = p_block.instance_id and s.block = p_block.step and s.parent = p_block.scope
            and s.visit = p_block.visit
        order by s.ordinal desc limit 1), p_block.scope);
    v_context jsonb;
    v_found onceflow.evaluation;
begin
    if p_given ->> 'place' = p_asked then
        return row(true, p_given -> 'value', null)::onceflow.evaluation;
    end if;
    v_context := onceflow.step_context(p_block.instance_id, p_version_id, p_block.step, v_scope, p_block.visit,
        'repeat', p_spec -> 'asks' -> 'reads', p_spec -> 'asks' -> 'config', p_spec -> 'asks' -> 'told');
    if p_asked = 'while' then
        v_context := v_context || jsonb_build_object('round', p_block.total, 'previous', case
            when p_block.total = 0 then 'null'
            when p_spec -> 'asks' -> 'reads' ? '$.previous'
            then coalesce(onceflow.scope_output(p_block.instance_id, p_version_id, v_scope), 'null') end);
    end if;
    v_found := onceflow.try_evaluate(null, p_spec -> p_asked, v_context);
    if v_found.error is not null then
        v_found.error := v_found.error || jsonb_build_object('place', p_asked);
    end if;
    return v_found;
end $$;
revoke execute on function onceflow.ask_round(onceflow.block, bigint, jsonb, text, jsonb) from public;
