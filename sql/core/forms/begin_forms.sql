-- begin_forms(sorted ids, keys) -> void   (internal)
-- Opens the forms of steps that have just begun to ask: notes who is asked, and tells of it.
create or replace function onceflow.begin_forms(p_ids uuid[], p_keys onceflow.task_key[]) returns void
language plpgsql volatile as $$
declare
    v_now constant timestamptz := onceflow.now();
begin
    insert into onceflow.wait (instance_id, step, scope, visit, kind, name, n, people, remind_at)
    select k.instance_id, k.step, k.scope, k.visit, 'form', t.input ->> 'title', nextval('onceflow.wait_n'),
        array(select jsonb_path_query(t.input, 'lax $.to[*]') #>> '{}'), v_now + make_interval(secs => s.remind)
    from (
        select k.* from unnest(p_keys) k
        order by k.instance_id, k.step collate "C", k.scope, k.visit offset 0) k
    cross join lateral (
        select t.input from onceflow.task t
        where t.instance_id = k.instance_id and t.step = k.step and t.scope = k.scope and t.visit = k.visit
            and t.instance_id between p_ids[1] and p_ids[cardinality(p_ids)] offset 0) t
    cross join lateral (
        select i.version_id from onceflow.instance i
        where i.id = k.instance_id and i.id between p_ids[1] and p_ids[cardinality(p_ids)] offset 0) i
    cross join lateral (
        select (s.spec #>> '{form,remind}')::float8 as remind from onceflow.step s
        where s.version_id = i.version_id and s.step = k.step offset 0) s;
    perform onceflow.tell_forms('form.opened', p_keys);
end $$;
revoke execute on function onceflow.begin_forms(uuid[], onceflow.task_key[]) from public;
