-- close_children(sorted ids) -> void   (internal)
-- Of locked instances those that were told to end begin to, as if an operator had cancelled them; one that nobody waits for,
-- or that has ended, or is on its way back, goes its own way.
create or replace function onceflow.close_children(p_ids uuid[]) returns void
language plpgsql volatile as $$
declare
    v_told uuid[];
    v_ids uuid[];
begin
    with told as (
        update onceflow.delivery d
        set state = 'taken'
        where d.instance_id = any (p_ids) and d.instance_id >= p_ids[1] and d.state = 'sent' and d.kind = 'cancel'
        returning d.instance_id
    )
    select array_agg(distinct t.instance_id) into v_told from told t;
    v_ids := array(
        select i.id from onceflow.instance i
        join onceflow.child c on c.instance_id = i.id and c.instance_id >= p_ids[1]
        where i.id = any (v_told) and i.id >= p_ids[1] and i.state = 'RUNNING' and c.answers is not null
        order by i.id);
    perform onceflow.finish_transition(v_ids, (onceflow.advance_instances(v_ids, onceflow.close_instances(v_ids,
        array_fill('CANCELLED'::text, array[cardinality(v_ids)]),
        array_fill(null::jsonb, array[cardinality(v_ids)]), true), '{}', '{}')).o_changes);
end $$;
revoke execute on function onceflow.close_children(uuid[]) from public;
