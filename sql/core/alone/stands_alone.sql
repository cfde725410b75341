-- stands_alone(change) -> boolean   (internal)
-- Whether a change, numbered already, is recorded without a look at anything else (record_alone): it is no dead letter, and no
-- message of what was held, which bears the name of its handler. Inlined.
create or replace function onceflow.stands_alone(p_change onceflow.change) returns boolean
language sql immutable parallel safe
return (p_change).seq is not null and case (p_change).state when 'DEAD_LETTER' then false
    when 'QUEUED' then (p_change).was is distinct from 'READY' else true end;
revoke execute on function onceflow.stands_alone(onceflow.change) from public;
