-- find_handler(instance, version, task, borne, discarded) -> (kind, scope, block, visit, list, undoes, borne)   (internal)
-- Who handles a failure for good, asked from the task outwards: of a block on the way first its retry, its catches, its tolerance, then its
-- own on_failure. catch: that scope closes, and its block goes on with o_list (0: another attempt); tolerate: that scope closes, and its block bears it; continue: all scopes of that block close, and its step
-- goes on; suspend: the task is a dead letter; close: nobody, so the policy of the workflow, or of the step, acts.
-- p_borne has the scopes that close for failures judged before this one (a key each), and how many of them their
-- blocks bear; o_borne has this one, too. What was suspended and is discarded passes over every suspend. o_undoes: what
-- closes is not left to the scope around (`undo: false`, the workflow's `on_failure: fail`).
create or replace function onceflow.find_handler(
    p_instance_id uuid, p_version_id bigint, p_key onceflow.task_key, p_borne jsonb,
    p_discarded boolean, out o_kind text, out o_scope bigint, out o_block text, out o_visit int,
    out o_list int, out o_undoes boolean, out o_borne jsonb)
language plpgsql stable as $$
declare
    v_step onceflow.step;
    v_scope onceflow.scope;
    v_block onceflow.block;
    v_failed int;
    v_error jsonb;
    v_closes text;
    v_bears text;
    v_on_failure constant text := (
        select v.on_failure from onceflow.workflow_version v where v.id = p_version_id);
begin
    select * into v_step from onceflow.step st where st.version_id = p_version_id and st.step = p_key.step;
    o_scope := p_key.scope;
    o_borne := p_borne;
    o_undoes := onceflow.is_undone(v_step.spec, v_on_failure);
    if not v_step.is_forward or v_step.spec ->> 'on_failure' = 'suspend' and not p_discarded then
        o_kind := 'suspend';
        return;
    elsif v_step.continues then
        o_kind := 'continue';
        o_block := p_key.step;
        o_visit := p_key.visit;
        return;
    end if;
    while o_scope > 0 loop
        select * into v_scope from onceflow.scope s where s.instance_id = p_instance_id and s.scope = o_scope;
        select * into v_block from onceflow.block b
        where b.instance_id = p_instance_id and b.step = v_scope.block and b.scope = v_scope.parent
            and b.visit = v_scope.visit;
        select * into v_step from onceflow.step st
        where st.version_id = p_version_id and st.step = v_scope.block;
        if v_step.kind = 'try' and v_scope.list = 0 then
            v_error := coalesce(v_error, (
                select t.error from onceflow.task t
                where t.instance_id = p_instance_id and t.step = p_key.step and t.scope = p_key.scope and t.visit = p_key.visit));
            o_list := onceflow.find_catch(v_step.spec, v_block.total, v_error);
            if o_list is not null then
                o_kind := 'catch';
                o_undoes := onceflow.is_undone(v_step.spec, v_on_failure)
                    and onceflow.is_undone(v_step.spec -> 'lists' -> o_list, v_on_failure);
                return;
            end if;
        elsif v_step.kind in ('parallel', 'race', 'for_each') then
            v_closes := p_instance_id || '/' || o_scope;
            v_bears := p_instance_id || '/' || v_scope.parent || '/' || v_scope.visit || '/' || v_scope.block;
            v_failed := coalesce((p_borne ->> v_bears)::int, 0) + 1;
            if v_scope.ends_as = 'FAILED' or p_borne ? v_closes
                or (case
                    when v_step.spec ? 'join'
                        then v_block.total - v_block.failed - v_failed >= (v_step.spec ->> 'join')::int
                    when v_step.spec ? 'percent'
                        then (v_block.failed + v_failed) * 100 <= (v_step.spec ->> 'percent')::numeric * v_block.total
                    else v_block.failed + v_failed <= coalesce((v_step.spec ->> 'tolerate')::int, 0) end)
            then
                if v_scope.ends_as is null and not p_borne ? v_closes then
                    o_borne := p_borne || jsonb_build_object(v_closes, true, v_bears, v_failed);
                end if;
                o_kind := 'tolerate';
                o_undoes := onceflow.is_undone(v_step.spec, v_on_failure);
                return;
            end if;
        end if;
        o_scope := v_scope.parent;
        if v_step.continues then
            o_kind := 'continue';
            o_block := v_scope.block;
            o_visit := v_scope.visit;
            return;
        elsif v_step.spec ->> 'on_failure' = 'suspend' and not p_discarded then
            o_kind := 'suspend';
            return;
        end if;
    end loop;
    o_kind := 'close';
end $$;
revoke execute on function onceflow.find_handler(
    uuid, bigint, onceflow.task_key, jsonb, boolean) from public;
