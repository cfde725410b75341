-- record_fault(error) -> text   (internal)
-- Why nothing has come of a record, in one line, which tells of the first fault of an input that has several.
create or replace function onceflow.record_fault(p_error jsonb) returns text
language sql immutable parallel safe
return left(p_error ->> 'message', 10000) || case when jsonb_array_length(p_error -> 'faults') > 1
    then format(' (and %s more)', jsonb_array_length(p_error -> 'faults') - 1) else '' end;
revoke execute on function onceflow.record_fault(jsonb) from public;
