-- require_small_value(tree, context) -> void   (internal)
-- Adds up what the parts of an expression tree give, one at a time, before their whole is made.
-- Errors: 54000 where that is more than a payload can be, by far.
create or replace function onceflow.require_small_value(p_tree jsonb, p_context jsonb) returns void
language plpgsql immutable as $$
declare
    v_part jsonb;
    v_size bigint := 0;
begin
    for v_part in
        with recursive node (tree) as (
            select p_tree
            union all
            select c.tree
            from node n
            cross join lateral (
                select o.value from jsonb_each(n.tree -> 'o') o
                union all
                select jsonb_array_elements(n.tree -> k) from unnest('{l,c}'::text[]) k where n.tree ? k) c (tree)
        )
        select n.tree from node n where n.tree ?| '{p,f}'
    loop
        v_size := v_size + pg_column_size(onceflow.evaluate(v_part, p_context));
        if v_size > 16777216 then
            raise program_limit_exceeded using message = 'its parts have more than 16 MiB, and 1 MiB is allowed';
        end if;
    end loop;
end $$;
revoke execute on function onceflow.require_small_value(jsonb, jsonb) from public;
