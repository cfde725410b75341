-- change_forms(verb, instance ids, tasks, by, to) -> (ordinal, instance_id, task, outcome, detail)   (internal)
-- What people do with open forms besides answering them, all in one way: claim, release, reassign. Who did what, and when,
-- is kept with what was sent to the instance. outcome: done | refused (detail says why) | unknown.
create or replace function onceflow.change_forms(
    p_verb text, p_instance_ids uuid[], p_tasks text[], p_by text, p_to text[] default null)
returns table (ordinal int, instance_id uuid, task text, outcome text, detail text)
language plpgsql volatile as $$
#variable_conflict use_column
declare
    v_ids constant uuid[] := onceflow.lock_instances(p_instance_ids);
    v_keys constant onceflow.task_key[] := onceflow.task_keys(p_instance_ids, p_tasks);
    v_now constant timestamptz := onceflow.now();
    v_changed onceflow.task_key[];
    v_judged jsonb;
begin
    if length(p_by) between 1 and 255 is not true then
        raise exception 'nobody is named who is to %', p_verb using errcode = 'WF002',
            hint = 'Give p_by, 1 to 255 characters: who does it.';
    elsif p_verb = 'reassign' and (cardinality(p_to) between 1 and 100 is not true
        or exists (select from unnest(p_to) p where length(p) between 1 and 255 is not true))
    then
        raise exception 'a form is reassigned to one to 100 people or groups, each of 1 to 255 characters'
            using errcode = 'WF002', hint = 'Give p_to.';
    end if;
    -- Of one form in a call once: what is given twice is answered alike.
    select jsonb_agg(jsonb_build_object('n', k.n, 'open', w.n is not null,
        'refused', case
            when w.n is null and i.is_form then 'it is not open any more'
            when w.n is null then 'there is no such form'
            when p_verb = 'claim' and w.claimed_by <> p_by
                then format('%s has taken it, at %s', w.claimed_by, onceflow.time_text(w.claimed_at))
            when p_verb = 'release' and w.claimed_by is distinct from p_by
                then coalesce(w.claimed_by || ' has taken it, and releases it; or reassign it', 'nobody has taken it') end,
        'unknown', i.is_form is null) order by k.n)
    into v_judged
    from unnest(v_keys) with ordinality k (instance_id, step, scope, visit, n)
    left join onceflow.wait w on w.instance_id = k.instance_id and w.step = k.step and w.scope = k.scope
        and w.visit = k.visit and w.kind = 'form'
    left join lateral (
        select true as is_form from onceflow.instance i
        join onceflow.step s on s.version_id = i.version_id and s.step = k.step and s.kind = 'approve'
        join onceflow.task t on t.instance_id = i.id and t.step = k.step and t.scope = k.scope and t.visit = k.visit
        where i.id = k.instance_id offset 0) i on true;
    v_changed := array(
        select distinct k from jsonb_to_recordset(v_judged) j (n int, refused text)
        cross join lateral (select v_keys[j.n] as k) k
        where j.refused is null order by k);
    update onceflow.wait w
    set people = case p_verb when 'reassign' then p_to else w.people end,
        claimed_by = case p_verb when 'claim' then p_by end,
        claimed_at = case p_verb when 'claim' then coalesce(w.claimed_at, v_now) end
    from unnest(v_changed) k
    where w.instance_id = k.instance_id and w.step = k.step and w.scope = k.scope and w.visit = k.visit and w.kind = 'form';
    insert into onceflow.delivery (instance_id, id, kind, name, payload, step, scope, visit, state, made_at)
    select k.instance_id, nextval('onceflow.delivery_id'), 'form', p_verb,
        jsonb_strip_nulls(jsonb_build_object('by', p_by, 'to', to_jsonb(p_to))), k.step, k.scope, k.visit, 'taken', v_now
    from unnest(v_changed) k;
    if p_verb = 'reassign' then
        perform onceflow.tell_forms('form.reassigned', v_changed);
    end if;
    perform onceflow.record_tasks(p_verb || '_forms', 'form', v_changed,
        array_fill(jsonb_strip_nulls(jsonb_build_object('by', p_by, 'to', to_jsonb(p_to))), array[cardinality(v_changed)]),
        array[p_by]);
    return query
    select j.n, p_instance_ids[j.n], p_tasks[j.n],
        case when j.refused is null then 'done' when j.unknown then 'unknown' else 'refused' end, coalesce(j.refused, '')
    from jsonb_to_recordset(v_judged) j (n int, refused text, unknown boolean)
    order by j.n;
end $$;
revoke execute on function onceflow.change_forms(text, uuid[], text[], text, text[]) from public;
