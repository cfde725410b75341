-- lock_alone(instance) -> instance   (internal)
-- Locks one instance, as lock_instances() does those of a set, and gives it as it is: of the row itself, alone of all that
-- is read, the statement that waits for the lock has what was committed meanwhile. Null where there is none.
-- Errors: WF004 (require_read_committed).
create or replace function onceflow.lock_alone(p_id uuid) returns onceflow.instance
language plpgsql volatile as $$
declare
    v_instance onceflow.instance;
begin
    if not onceflow.is_read_committed() then
        perform onceflow.require_read_committed();
    end if;
    select i.* into v_instance from onceflow.instance i where i.id = p_id for no key update;
    return v_instance;
end $$;
revoke execute on function onceflow.lock_alone(uuid) from public;
