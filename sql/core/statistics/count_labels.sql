-- count_labels(minute, part, entries, labels) -> (workflow, label, value, outcome, count)   (internal)
-- Counts the starts of a minute's instances, and their ends by state, by their labels of these names, as they are now. Of one in
-- p_part instances, as count_minute() does; there p_entries is explained.
create or replace function onceflow.count_labels(p_minute timestamptz, p_part int, p_entries bigint, p_labels text[])
returns table (workflow text, label text, value text, outcome text, count bigint)
language sql stable as $$
    with noted as materialized (
        select m.instance_id, m.step, m.state, m.event, m.weighed from onceflow.minute_entries(p_minute, p_part) m
    ), weight as (
        select p_entries / greatest(count(*), 1)::float8 as times from noted n where n.weighed
    ), counted as (
        select s.workflow_id, s.field, s.value, n.state, count(*) as n
        from (select distinct n.instance_id, n.state from noted n where n.event = 3 and n.step is null) n
        -- By the instance, however the names would be found.
        cross join lateral (
            select s.workflow_id, s.field, s.value from onceflow.search_value s
            where s.instance_id = n.instance_id offset 0) s
        where s.field = any (array(select '@' || l from unnest(p_labels) l))
        group by 1, 2, 3, 4
    )
    select w.name, substr(c.field, 2), c.value, c.state,
        case when p_part = 1 or c.state = any ('{FAILED,COMPENSATED}') then c.n else round(c.n * x.times)::bigint end
    from counted c
    join onceflow.workflow w on w.id = c.workflow_id
    cross join weight x
$$;
revoke execute on function onceflow.count_labels(timestamptz, int, bigint, text[]) from public;
