-- set_labels(ids, labels, by) -> (instance_id, outcome, detail)
-- Gives instances labels, by which they are found: p_labels is an object of names and values; null takes one away, and others
-- stay. Whether they run or have ended; again it changes nothing. The audit has the names alone, and who: p_by, or else the
-- login.
-- outcome: done (detail has all its labels) | refused (its payloads are erased, or it would have more than 32) | unknown.
-- Errors: WF002 labels that are none · WF004.
create or replace function onceflow.set_labels(p_ids uuid[], p_labels jsonb, p_by text default null)
returns table (instance_id uuid, outcome text, detail text)
language plpgsql volatile security definer set search_path = pg_catalog, pg_temp
set plan_cache_mode = 'force_generic_plan' set jit = 'off' set max_parallel_workers_per_gather = 0
set enable_seqscan = 'off' set enable_hashjoin = 'off' set enable_mergejoin = 'off'
set enable_material = 'off' set join_collapse_limit = 1 set cpu_tuple_cost = 1000 as $$
#variable_conflict use_column
declare
    v_fault constant jsonb := onceflow.label_fault(p_labels);
    v_ids uuid[];
    v_fit uuid[];
    v_changed uuid[];
begin
    if v_fault is not null then
        raise exception 'labels%: %', v_fault ->> 'place', v_fault ->> 'message'
            using errcode = 'WF002', hint = 'Nothing was changed; mend the labels and set them again.';
    end if;
    v_ids := onceflow.lock_instances(p_ids);
    v_fit := array(
        select i.id from onceflow.instance i
        where i.id = any (v_ids) and i.id >= v_ids[1] and i.erased_at is null and 32 >= (
            select count(*) from jsonb_each(coalesce(onceflow.labels_of(i.id), '{}') || p_labels) l where l.value <> 'null')
        order by i.id);
    v_changed := array(
        select u.id from unnest(v_fit) u (id)
        cross join lateral (select onceflow.labels_of(u.id) as labels offset 0) k
        where exists (
            select from jsonb_each(p_labels) l where onceflow.scalar_text(l.value) is distinct from k.labels ->> l.key)
        order by u.id);
    delete from onceflow.search_value s
    where s.instance_id = any (v_changed) and left(s.field, 1) = '@' and p_labels ? substr(s.field, 2);
    insert into onceflow.search_value (field, value, instance_id, workflow_id)
    select '@' || l.key, onceflow.scalar_text(l.value), i.id, v.workflow_id
    from unnest(v_changed) u (id)
    join onceflow.instance i on i.id = u.id and i.id >= v_ids[1]
    join onceflow.workflow_version v on v.id = i.version_id
    cross join lateral jsonb_each(p_labels) l
    where l.value <> 'null'
    order by 1, 2, 3;
    -- Not their values: erase_instances() does not look there.
    perform onceflow.record_audit('set_labels', 'instance', v_changed::text[], p_by => array[p_by], p_after => array_fill(
        jsonb_build_object('labels', (select jsonb_agg(k order by k) from jsonb_object_keys(p_labels) k)),
        array[cardinality(v_changed)]));
    return query
    select u.id, case when i.id is null then 'unknown' when u.id = any (v_fit) then 'done' else 'refused' end,
        case when i.id is null then 'there is no such instance'
            when u.id = any (v_fit) then coalesce(onceflow.labels_of(i.id), '{}')::text
            when i.erased_at is not null then 'its payloads, and its labels with them, were erased at '
                || onceflow.time_text(i.erased_at)
            else 'it would have more than 32 labels; take some away' end
    from unnest(v_ids) u (id)
    left join onceflow.instance i on i.id = u.id
    order by u.id;
end $$;
revoke execute on function onceflow.set_labels(uuid[], jsonb, text) from public;
