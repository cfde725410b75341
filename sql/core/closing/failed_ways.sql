-- failed_ways(tasks) -> failed_way[]   (internal)
-- The scopes around tasks that have failed, each with the error that it ends with: of several the first by path.
create or replace function onceflow.failed_ways(p_failed onceflow.task_key[]) returns onceflow.failed_way[]
language plpgsql stable as $$
begin
    if cardinality(p_failed) = 0 then
        return '{}';
    end if;
    return array(
        with recursive around as (
            select s.*, f.error, f.path
            from (
                select f.instance_id, f.scope, t.error,
                    onceflow.scope_path(f.instance_id, f.scope) || f.step as path
                from unnest(p_failed) f
                cross join lateral (
                    select t.error from onceflow.task t
                    where t.instance_id = f.instance_id and t.step = f.step and t.scope = f.scope
                        and t.visit = f.visit offset 0) t) f
            cross join lateral (
                select s.instance_id, s.scope, s.block, s.parent, s.visit from onceflow.scope s
                where s.instance_id = f.instance_id and s.scope = f.scope offset 0) s
            union all
            select s.*, a.error, a.path
            from around a
            cross join lateral (
                select s.instance_id, s.scope, s.block, s.parent, s.visit from onceflow.scope s
                where s.instance_id = a.instance_id and s.scope = a.parent offset 0) s
        )
        select distinct on (a.instance_id, a.scope)
            row(a.instance_id, a.scope, a.block, a.parent, a.visit, a.error)::onceflow.failed_way
        from around a
        order by a.instance_id, a.scope, a.path collate "C");
end $$;
revoke execute on function onceflow.failed_ways(onceflow.task_key[]) from public;
