-- refuse_starts(workflows, keys, ids, errors) -> (ids, errors)   (internal)
-- Of the items of a start, as check_starts() has them, those whose workflow is disabled: what would start an instance
-- gets no id, and an error with the code `disabled`. What names one that is there keeps its id: it starts nothing.
create or replace function onceflow.refuse_starts(
    p_workflows bigint[], p_keys text[], p_ids uuid[], p_errors jsonb[], out o_ids uuid[], out o_errors jsonb[])
language plpgsql stable as $$
begin
    select array_agg(case when k.known then k.id end order by k.n),
        array_agg(case when k.known or k.error is not null then k.error
            else jsonb_build_object('code', 'disabled', 'message', format(
                'the workflow has been disabled for new starts since %s', onceflow.time_text(k.disabled_at))) end order by k.n)
    into o_ids, o_errors
    from (
        select k.*, w.disabled_at, k.id is not null and (w.disabled_at is null
                or exists (select from onceflow.instance i where i.id = k.id)
                or exists (select from onceflow.idempotency_key i
                    where i.workflow_id = k.workflow and i.key = k.key)) as known
        from unnest(p_workflows, p_keys, p_ids, p_errors) with ordinality k (workflow, key, id, error, n)
        join onceflow.workflow w on w.id = k.workflow) k;
end $$;
revoke execute on function onceflow.refuse_starts(bigint[], text[], uuid[], jsonb[]) from public;
