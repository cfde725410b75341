-- refuse_kafka(compiled) -> void   (internal)
-- Errors: WF007 where a definition publishes to Kafka or is started by a topic, and messages do not travel over Kafka; or
-- where it names a consumer group that another entry has, which would share its records out between the two.
create or replace function onceflow.refuse_kafka(p_compiled jsonb) returns void
language plpgsql volatile as $$
declare
    v_needing jsonb;
    v_shared jsonb;
begin
    select jsonb_agg(jsonb_build_object('place', k.place, 'message', format(
        '%s needs Kafka, and the transport of this deployment is Postgres', k.what)) order by k.of, k.n)
    into v_needing
    from (
        select 1 as of, s.n, coalesce(s.pointer || '/task', s.step) as place, 'kafka.publish' as what
        from rows from (jsonb_to_recordset(p_compiled -> 'steps') as (step text, pointer text, spec jsonb))
            with ordinality s (step, pointer, spec, n)
        where s.spec ->> 'task' = 'kafka.publish'
        union all
        select 2, t.n, format('/on/%s/kafka', t.n - 1), 'what a topic starts'
        from jsonb_array_elements(p_compiled -> 'triggers') with ordinality t (entry, n)
        where t.entry ->> 'kind' = 'kafka') k;
    if v_needing is not null then
        lock table onceflow.deployment in row share mode; -- as require_transport()
        if (select d.transport from onceflow.deployment d) <> 'kafka' then
            raise exception 'the workflow needs Kafka, and there is none' using errcode = 'WF007',
                detail = v_needing, hint = 'Do without it, or run the deployment over Kafka.';
        end if;
    end if;

    with entry as (
        select t.n, t.entry ->> 'trigger' as trigger, t.entry #>> '{spec,group}' as consumer_group
        from jsonb_array_elements(p_compiled -> 'triggers') with ordinality t (entry, n)
        where t.entry #>> '{spec,group}' is not null
    )
    select jsonb_agg(jsonb_build_object('place', format('/on/%s/kafka/group', e.n - 1), 'message', format(
        'is the group of %s of the workflow %s already; name another, or none', o.trigger, o.workflow)) order by e.n)
    into v_shared
    from entry e
    join (
        select p_compiled ->> 'name' as workflow, e.trigger, e.consumer_group, e.n from entry e
        union all
        select w.name, t.trigger, t.spec ->> 'group', 0
        from onceflow.trigger t
        join onceflow.workflow w on w.id = t.workflow_id
        where w.name <> p_compiled ->> 'name' and t.kind = 'kafka') o
        on o.consumer_group = e.consumer_group and o.n < e.n;
    if v_shared is not null then
        raise exception 'a consumer group is for one entry alone' using errcode = 'WF007', detail = v_shared,
            hint = 'Two entries of one group would each be given a part of the records.';
    end if;
end $$;
revoke execute on function onceflow.refuse_kafka(jsonb) from public;
