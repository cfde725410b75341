-- record_tasks(verb, kind, keys, after, by) -> void   (internal)
-- record_audit() of tasks: the target is the instance, the part the task's text.
create or replace function onceflow.record_tasks(
    p_verb text, p_kind text, p_keys onceflow.task_key[], p_after jsonb[] default null, p_by text[] default null)
returns void
language plpgsql volatile as $$
begin
    perform onceflow.record_audit(p_verb, p_kind,
        array(select k.instance_id::text from unnest(p_keys) with ordinality k order by k.ordinality),
        array(select onceflow.task_name(k.step, k.scope, k.visit) from unnest(p_keys) with ordinality k order by k.ordinality),
        p_after => p_after, p_by => p_by);
end $$;
revoke execute on function onceflow.record_tasks(text, text, onceflow.task_key[], jsonb[], text[]) from public;
