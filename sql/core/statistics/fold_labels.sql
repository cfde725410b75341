-- fold_labels(rows, seconds, at) -> rows   (internal)
-- What label_statistic has to gain in a span, each value in a row of its own, or in that of *: of a label and a workflow a hundred
-- values have one. Those that have it keep it; of others the most frequent come first, then the order of the alphabet.
create or replace function onceflow.fold_labels(p_rows onceflow.label_statistic[], p_seconds int, p_at timestamptz)
returns setof onceflow.label_statistic
language sql stable as $$
    with kept as (
        select distinct s.label, s.workflow, s.value from onceflow.label_statistic s
        where s.seconds = p_seconds and s.at = p_at and s.value <> '*'
    ), come as (
        select r.label, r.workflow, r.value, sum(r.count) as n from unnest(p_rows) r where r.value <> '*' group by 1, 2, 3
    ), placed as (
        select label, workflow, value,
            row_number() over (partition by label, workflow order by k.value is null, c.n desc, value) <= 100 as own
        from come c
        full join kept k using (label, workflow, value)
    )
    select p_seconds, p_at, r.label, r.workflow, case when p.own then r.value else '*' end, r.outcome, sum(r.count)::bigint
    from unnest(p_rows) r
    left join placed p using (label, workflow, value)
    group by 3, 4, 5, 6
$$;
revoke execute on function onceflow.fold_labels(onceflow.label_statistic[], int, timestamptz) from public;
