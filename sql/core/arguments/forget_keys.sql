-- forget_keys(workflows, keys, ids) -> void   (internal)
-- Of the items of a start: a new key with the id of an instance that was there names it only where it is of its workflow
-- and has that input, which nobody can tell any more of one that is erased.
create or replace function onceflow.forget_keys(p_workflows bigint[], p_keys text[], p_ids uuid[]) returns void
language plpgsql volatile as $$
begin
    delete from onceflow.idempotency_key i
    using unnest(p_workflows, p_keys, p_ids) k (workflow, key, id), onceflow.instance s
    where i.workflow_id = k.workflow and i.key = k.key and i.instance_id = k.id and s.id = k.id
        and (s.erased_at is null and i.input_hash <> sha256(convert_to(s.input::text, 'UTF8'))
            or not exists (
                select from onceflow.workflow_version v
                where v.id = s.version_id and v.workflow_id = i.workflow_id));
end $$;
revoke execute on function onceflow.forget_keys(bigint[], text[], uuid[]) from public;
