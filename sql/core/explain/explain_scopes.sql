-- explain_scopes(instance) -> (task, why, n)   (internal)
-- Why the open tasks of an instance with blocks are not further, n ordering them: its dead letters, wherever they lie; its
-- own tasks, blocks by their counts; then, block by block and from the outside in, what some of the scopes under way wait
-- for. Never all of them: it reads as much of ten items as of ten thousand, but for finding those under way. What has a key is
-- looked up by it, one by one: a join may read every task of the instance for each.
create or replace function onceflow.explain_scopes(p_instance onceflow.instance)
returns table (task text, why onceflow.explanation, n bigint)
language plpgsql stable as $$
#variable_conflict use_column
declare
    v_most constant int := 200;
    v_letters constant int := 100;
    v_of_a_block constant int := 5;
    v_of_a_level constant int := 20;
    v_scopes bigint[] := '{0}';
    v_keys onceflow.task_key[] := array(
        select row(t.instance_id, t.step, t.scope, t.visit)::onceflow.task_key
        from onceflow.task t
        where t.instance_id = p_instance.id and t.state = 'DEAD_LETTER' and t.seq is null
        order by t.scope, t.step limit v_letters);
    v_closing bigint[] := '{}';
    v_steps onceflow.task_key[];
begin
    loop
        -- The steps of the lists that these scopes run, and their compensations.
        v_steps := array(
            select row(p_instance.id, u.step, c.scope, 0)::onceflow.task_key
            from (
                select 0::bigint as scope, null::text as block, null::int as list where 0 = any (v_scopes)
                union all
                select c.scope, c.block, c.list from onceflow.scope c
                where c.instance_id = p_instance.id and c.scope = any (v_scopes)) c
            join onceflow.step s on s.version_id = p_instance.version_id and s.is_forward
                and s.block is not distinct from c.block and s.list is not distinct from c.list
            cross join lateral (
                select s.step
                union all
                select e.to_step from onceflow.edge e
                where e.version_id = p_instance.version_id and e.from_step = s.step and e.kind = 'undo') u
            order by c.scope, s.spec -> 'position', u.step);
        v_keys := v_keys || array(
            select row(t.instance_id, t.step, t.scope, t.visit)::onceflow.task_key
            from unnest(v_steps) with ordinality k (instance_id, step, scope, visit, n)
            cross join lateral (
                select * from onceflow.task t
                where t.instance_id = p_instance.id and t.step = k.step and t.scope = k.scope
                    and t.seq is null and t.state <> 'DEAD_LETTER' offset 0) t
            order by k.n, t.visit);
        v_scopes := array(
            select u.scope
            from unnest(v_steps) k
            cross join lateral (
                select b.scope, b.step, b.visit from onceflow.block b
                where b.instance_id = p_instance.id and b.step = k.step and b.scope = k.scope and b.live > 0 offset 0) b
            cross join lateral (
                select c.scope from onceflow.scope c
                where c.instance_id = p_instance.id and c.parent = b.scope and c.block = b.step and c.visit = b.visit
                    and (c.state in ('OPEN', 'CLOSING', 'COMPENSATING') or c.undo = 'under way')
                order by c.ordinal limit v_of_a_block) u
            limit v_of_a_level);
        v_closing := v_closing || v_scopes;
        exit when cardinality(v_scopes) = 0;
    end loop;

    return query
    select onceflow.task_name(k.step, k.scope, k.visit), row(
            case when k.scope = 0 then '' else format('%s, step %s: ',
                onceflow.scope_words(p_instance.id, p_instance.version_id, k.scope), k.step) end
            || w.because, w.verb, w.args)::onceflow.explanation, k.n
    from unnest(v_keys) with ordinality k (instance_id, step, scope, visit, n)
    cross join lateral (
        select t, s
        from onceflow.task t
        join onceflow.step s on s.version_id = p_instance.version_id and s.step = t.step
        where t.instance_id = p_instance.id and t.step = k.step and t.scope = k.scope and t.visit = k.visit offset 0) o
    cross join lateral onceflow.explain_limits(onceflow.explain_task(o.t, o.s), o.t) w
    where k.n <= v_most;
    return query
    select null::text, row(onceflow.scope_words(p_instance.id, p_instance.version_id, u.scope) || ': ' || w.because,
        w.verb, w.args)::onceflow.explanation, cardinality(v_keys) + u.n
    from unnest(v_closing) with ordinality u (scope, n)
    cross join lateral (
        select c from onceflow.scope c where c.instance_id = p_instance.id and c.scope = u.scope offset 0) o
    cross join lateral onceflow.explain_scope(o.c) w
    where w.because is not null;
end $$;
revoke execute on function onceflow.explain_scopes(onceflow.instance) from public;
