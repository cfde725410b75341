-- require_same_length(instance ids, fences, others) -> void   (internal)
-- Errors: WF002 where parallel arrays differ in length.
create or replace function onceflow.require_same_length(
    p_instance_ids uuid[], p_fences uuid[], p_others int) returns void
language plpgsql immutable as $$
begin
    if cardinality(p_instance_ids) is distinct from cardinality(p_fences)
        or cardinality(p_instance_ids) is distinct from p_others then
        raise exception 'the arrays differ in length: % instance ids, % fences, % others',
            cardinality(p_instance_ids), cardinality(p_fences), p_others
            using errcode = 'WF002', hint = 'Give one of each for each task.';
    end if;
end $$;
revoke execute on function onceflow.require_same_length(uuid[], uuid[], int) from public;
