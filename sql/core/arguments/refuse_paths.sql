-- refuse_paths(compiled) -> void   (internal)
-- Has Postgres read every path of a compiled definition.
-- Errors: WF007 where it refuses one.
create or replace function onceflow.refuse_paths(p_compiled jsonb) returns void
language plpgsql stable as $$
declare
    v_path text;
begin
    for v_path in
        -- The expression trees alone are walked: a `p` in the user's own data is no path.
        with recursive node (tree) as (
            select jsonb_path_query(p_compiled, e.path)
            from unnest('{$.output,$.labels,$.steps[*].spec.with,$.steps[*].spec.when,$.steps[*].spec.until,$.steps[*].spec.while,
                $.steps[*].spec.lists[*].when,$.triggers[*].spec.input,$.triggers[*].spec.key,$.triggers[*].spec.when}'::jsonpath[]) e (path)
            union all
            select c.tree
            from node n
            cross join lateral (
                select o.value from jsonb_each(n.tree -> 'o') o
                union all
                select jsonb_array_elements(n.tree -> k) from unnest('{l,c,a,z}'::text[]) k where n.tree ? k
                union all
                select n.tree -> k from unnest('{x,i}'::text[]) k where n.tree ? k) c (tree)
        )
        select distinct n.tree ->> 'p' from node n where n.tree ? 'p'
    loop
        begin
            perform v_path::jsonpath;
        exception when others then
            raise exception 'not a path: %', v_path using errcode = 'WF007', detail = sqlerrm,
                hint = 'Write it in the SQL/JSON path language of PostgreSQL 15.';
        end;
    end loop;
end $$;
revoke execute on function onceflow.refuse_paths(jsonb) from public;
