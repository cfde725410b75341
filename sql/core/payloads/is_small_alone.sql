-- is_small_alone(outputs) -> boolean   (internal)
-- Whether this is one output, so small that nothing can be wrong with it (require_outputs). No array that begins elsewhere
-- than at 1 is. Inlined.
create or replace function onceflow.is_small_alone(p_outputs jsonb[]) returns boolean
language sql stable parallel safe
return coalesce(cardinality(p_outputs) = 1 and pg_column_size(p_outputs[1]) <= 1000 and octet_length(p_outputs[1]::text) <= 1000, false);
revoke execute on function onceflow.is_small_alone(jsonb[]) from public;
