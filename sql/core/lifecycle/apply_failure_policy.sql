-- apply_failure_policy(ids, keys, discarded) -> change[]   (internal)
-- What follows a task's failure for good, its row being an open dead letter already: the policy of
-- its step, or else of its workflow, leaves it open for a person (`suspend`), or closes the instance, which makes
-- it a record. A compensation is always left open: the way back waits for a person. One that he
-- has discarded passes over every `suspend`, and where the workflow says that, it compensates.
create or replace function onceflow.apply_failure_policy(
    p_ids uuid[], p_keys onceflow.task_key[], p_failed onceflow.task_key[], p_discarded boolean, p_token uuid)
returns onceflow.change[]
language plpgsql volatile as $$
declare
    v_ids uuid[];
    v_closing_as text[];
    v_errors jsonb[];
    v_suspended uuid[];
begin
    if cardinality(p_keys) = 0 then
        return '{}';
    end if;
    with failed as (
        select k.instance_id, t.error || jsonb_build_object(
                'task', onceflow.task_name(t.step, t.scope, t.visit)) as error,
            -- By strength: of several failures one decides for the instance.
            array_position(array['compensate', 'fail', 'suspend'],
                case when not s.is_forward then 'suspend'
                    when p_discarded then coalesce(nullif(s.spec ->> 'on_failure', 'suspend'),
                        nullif(v.on_failure, 'suspend'), 'compensate')
                    else coalesce(s.spec ->> 'on_failure', v.on_failure) end) as policy,
            case when t.scope = 0 then '' else onceflow.scope_path(t.instance_id, t.scope) end || t.step as path, t.visit
        from unnest(p_keys) k
        cross join lateral (
            select i.version_id from onceflow.instance i
            where i.id = k.instance_id and i.id between p_ids[1] and p_ids[cardinality(p_ids)] offset 0) i
        cross join lateral (
            select v.on_failure from onceflow.workflow_version v
            where v.id = i.version_id offset 0) v
        cross join lateral (
            select s.is_forward, s.spec from onceflow.step s
            where s.version_id = i.version_id and s.step = k.step offset 0) s
        cross join lateral (
            select t.* from onceflow.task t
            where t.instance_id = k.instance_id and t.step = k.step
                and t.scope = k.scope and t.visit = k.visit
                and t.instance_id between p_ids[1] and p_ids[cardinality(p_ids)]
                and t.state = 'DEAD_LETTER' and t.seq is null offset 0) t
    ), judged as (
        select f.instance_id,
            -- The strongest policy among the failures, and its error.
            (array['compensate', 'fail', 'suspend'])[min(f.policy)] as policy,
            (array_agg(f.error order by f.policy, f.path collate "C", f.visit))[1] as error
        from failed f
        group by f.instance_id
    )
    select
        coalesce(array_agg(j.instance_id order by j.instance_id) filter (where j.policy <> 'suspend'), '{}'),
        array_agg(case j.policy when 'fail' then 'FAILED' else 'COMPENSATED' end order by j.instance_id)
            filter (where j.policy <> 'suspend'),
        array_agg(j.error order by j.instance_id) filter (where j.policy <> 'suspend'),
        coalesce(array_agg(j.instance_id order by j.instance_id) filter (where j.policy = 'suspend'), '{}')
    into v_ids, v_closing_as, v_errors, v_suspended
    from judged j;

    perform onceflow.note_dead_letters(v_suspended);
    return onceflow.close_instances(v_ids, v_closing_as, v_errors, false, p_failed, p_token);
end $$;
revoke execute on function onceflow.apply_failure_policy(
    uuid[], onceflow.task_key[], onceflow.task_key[], boolean, uuid) from public;
