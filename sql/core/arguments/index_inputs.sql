-- index_inputs(sorted ids, own, labels) -> void   (internal)
-- Notes what instances that start are found by: of each field that its version's `search` names, the text of its
-- value, where that is a string, a number or a boolean. engine/calls/search.py writes what is looked for in the same way.
-- So are their labels, p_labels, of the items whose instances p_own has: of those that start, in p_ids, that of the first.
create or replace function onceflow.index_inputs(p_ids uuid[], p_own uuid[], p_labels jsonb[]) returns void
language plpgsql volatile as $$
begin
    insert into onceflow.search_value (field, value, instance_id, workflow_id)
    select k.field, case when octet_length(k.text) <= 255 then k.text
            else encode(sha256(convert_to(k.text, 'UTF8')), 'hex') end, k.id, k.workflow_id
    from (
        select f.field, i.id, w.workflow_id, onceflow.scalar_text(i.input #> string_to_array(f.field, '.')) as text
        from unnest(p_ids) u (id)
        join onceflow.instance i on i.id = u.id and i.id >= p_ids[1]
        join onceflow.workflow_version w on w.id = i.version_id
        cross join unnest(w.search) f (field)
        union all
        select '@' || l.key, i.id, w.workflow_id, onceflow.scalar_text(l.value)
        from unnest(case when p_labels is not null then p_ids end) u (id)
        cross join lateral (select p_labels[array_position(p_own, u.id)] as labels) k
        join onceflow.instance i on i.id = u.id and i.id >= p_ids[1] and k.labels is not null
        join onceflow.workflow_version w on w.id = i.version_id
        cross join lateral jsonb_each(k.labels) l) k
    where k.text is not null
    order by k.field, k.text, k.id;
end $$;
revoke execute on function onceflow.index_inputs(uuid[], uuid[], jsonb[]) from public;
