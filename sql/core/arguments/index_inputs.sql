-- index_inputs(sorted ids) -> void   (internal)
-- Notes what instances that start are found by: of each field that its version's `search` names, the text of its
-- value, where that is a string, a number or a boolean. engine/calls/search.py writes what is looked for in the same way.
create or replace function onceflow.index_inputs(p_ids uuid[]) returns void
language plpgsql volatile as $$
begin
    insert into onceflow.search_value (field, value, instance_id, workflow_id)
    select k.field, case when octet_length(k.text) <= 255 then k.text
            else encode(sha256(convert_to(k.text, 'UTF8')), 'hex') end, k.id, k.workflow_id
    from (
        select f.field, i.id, w.workflow_id, case jsonb_typeof(v.value)
                when 'string' then v.value #>> '{}'
                when 'boolean' then v.value #>> '{}'
                when 'number' then trim_scale(v.value::numeric)::text end as text
        from unnest(p_ids) u (id)
        join onceflow.instance i on i.id = u.id and i.id >= p_ids[1]
        join onceflow.workflow_version w on w.id = i.version_id
        cross join unnest(w.search) f (field)
        cross join lateral (select i.input #> string_to_array(f.field, '.') as value) v) k
    where k.text is not null
    order by k.field, k.text, k.id;
end $$;
revoke execute on function onceflow.index_inputs(uuid[]) from public;
