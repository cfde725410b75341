-- scope_counts(changes) -> scope_count[]   (internal)
-- What changes open and end in scopes other than 0; what was made and has ended at once counts nothing, but tells.
create or replace function onceflow.scope_counts(p_changes onceflow.change[]) returns onceflow.scope_count[]
language plpgsql immutable as $$
begin
    return array(
        select row(c.instance_id, c.scope, c.opened)::onceflow.scope_count
        from unnest(p_changes) c
        where c.scope > 0 and (c.opened <> 0 or c.state in ('SUCCEEDED', 'SKIPPED', 'FAILED', 'CANCELLED'))
            and c.step is not null);
end $$;
revoke execute on function onceflow.scope_counts(onceflow.change[]) from public;
