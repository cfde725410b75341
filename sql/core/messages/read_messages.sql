-- read_messages(values) -> instance ids, tasks   (internal)
-- What task messages name, in their order; nulls for one that cannot be read, which is found by halves.
create or replace function onceflow.read_messages(
    p_values text[], out o_instance_ids uuid[], out o_tasks text[])
language plpgsql stable as $$
declare
    v_half int := cardinality(p_values) / 2;
    v_first record;
    v_second record;
begin
    select array_agg((v.message ->> 'instance')::uuid order by v.n), array_agg(v.message ->> 'task' order by v.n)
    into o_instance_ids, o_tasks
    from (select p.value::jsonb as message, p.n from unnest(p_values) with ordinality p (value, n)) v;
exception when data_exception or program_limit_exceeded then
    if v_half = 0 then
        o_instance_ids := array[null::uuid];
        o_tasks := array[null::text];
        return;
    end if;
    v_first := onceflow.read_messages(p_values[:v_half]);
    v_second := onceflow.read_messages(p_values[v_half + 1:]);
    o_instance_ids := v_first.o_instance_ids || v_second.o_instance_ids;
    o_tasks := v_first.o_tasks || v_second.o_tasks;
end $$;
revoke execute on function onceflow.read_messages(text[]) from public;
