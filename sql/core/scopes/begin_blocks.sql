-- begin_blocks(sorted ids, begun) -> (opened, changes, ended, failed)   (internal)
-- Makes the scopes of blocks whose rows have just been made, numbered within their instance in the order of the
-- blocks' keys and of their ordinals, and opens the first of them, as many as the block lets run side by side. A
-- for_each copies its items here, once. Where one scope runs at a time move_chains() opens the first;
-- a repeat that is redriven had begun before, and goes on with what a person has given, and its time anew.
create or replace function onceflow.begin_blocks(
    p_ids uuid[], p_begun onceflow.begun_block[],
    out o_opened onceflow.scope_key[], out o_changes onceflow.change[], out o_ended onceflow.placed_task[],
    out o_failed onceflow.task_key[])
language plpgsql volatile as $$
declare
    v_now timestamptz := onceflow.now();
    v_chains onceflow.task_key[];
    v_given jsonb[];
    v_moved record;
begin
    with found as (
        select b.*, st.spec, st.timeout, case when st.is_chain then 0
                when st.kind = 'for_each' then jsonb_array_length(b.items)
                when st.kind = 'switch' then 1 else jsonb_array_length(st.spec -> 'lists') end as total,
            st.kind, st.is_chain, i.scopes, case st.kind when 'repeat' then b.items ? 'place' else false end as redriven
        from unnest(p_begun) b
        cross join lateral (
            select st.kind, st.is_chain, st.spec, st.timeout from onceflow.step st
            where st.version_id = b.version_id and st.step = b.step offset 0) st
        cross join lateral (
            select coalesce(max(s.scope), 0) as scopes from onceflow.scope s
            where s.instance_id = b.instance_id
                and s.instance_id between p_ids[1] and p_ids[cardinality(p_ids)] offset 0) i
    ), numbered as (
        select f.*, least((f.spec ->> 'max_parallel')::int, f.total) as opened,
            f.scopes + sum(f.total) over (
                partition by f.instance_id order by f.step, f.scope, f.visit) - f.total as before
        from found f
    ), blocks as (
        insert into onceflow.block (instance_id, step, scope, visit, total, opened, under_way, live, timeout_at)
        select n.instance_id, n.step, n.scope, n.visit, n.total, n.opened, n.opened, n.opened,
            v_now + make_interval(secs => n.timeout)
        from numbered n
        where not n.redriven
    ), again as (
        update onceflow.block b
        set timeout_at = v_now + make_interval(secs => n.timeout)
        from numbered n
        where n.redriven and n.timeout is not null and b.instance_id = n.instance_id and b.step = n.step
            and b.scope = n.scope and b.visit = n.visit and b.instance_id >= p_ids[1]
    ), scopes as (
        insert into onceflow.scope (instance_id, scope, block, parent, visit, ordinal, list, state, open, item)
        select n.instance_id, n.before + o.n, n.step, n.scope, n.visit, o.n - 1, o.list,
            case when o.n <= n.opened then 'OPEN' else 'WAITING' end,
            case when o.n <= n.opened then (
                select count(*) from onceflow.step st
                where st.version_id = n.version_id and st.block = n.step and st.list = o.list
                    and st.join_count = 0) else 0 end, o.item
        from numbered n
        cross join lateral (
            select e.n, 0 as list, e.item
            from jsonb_array_elements(case n.kind when 'for_each' then n.items end) with ordinality e (item, n)
            union all
            select 1, (n.items #>> '{}')::int, null where n.kind = 'switch'
            union all
            select g, g - 1, null from generate_series(1, n.total) g where n.kind not in ('for_each', 'switch')
        ) o
        returning instance_id, scope, state
    ), counted as (
        update onceflow.instance i
        set scopes = t.scopes
        from (select n.instance_id, max(n.before + n.total) as scopes from numbered n where n.total > 0 group by 1) t
        where i.id = t.instance_id and i.id >= p_ids[1] and i.state = 'RUNNING'
    ), lives as (
        update onceflow.scope s
        set live = s.live + t.blocks
        from (select n.instance_id, n.scope, count(*) as blocks from numbered n where n.scope > 0 and n.total > 0 group by 1, 2) t
        where s.instance_id = t.instance_id and s.scope = t.scope and s.instance_id >= p_ids[1]
    )
    select array(
            select row(s.instance_id, s.scope)::onceflow.scope_key from scopes s where s.state = 'OPEN' order by 1),
        coalesce(array_agg(row(n.instance_id, n.step, n.scope, n.visit)::onceflow.task_key) filter (where n.is_chain), '{}'),
        array_agg(case when n.redriven then n.items end) filter (where n.is_chain)
    into o_opened, v_chains, v_given
    from numbered n;
    o_changes := '{}'; o_ended := '{}'; o_failed := '{}';
    if cardinality(v_chains) > 0 then
        v_moved := onceflow.move_chains(p_ids, v_chains, v_given);
        o_changes := v_moved.o_changes;
        o_ended := v_moved.o_ended;
        o_opened := o_opened || v_moved.o_opened;
        v_moved := onceflow.fail_blocks(v_moved.o_failed);
        o_changes := o_changes || v_moved.o_changes;
        o_failed := v_moved.o_failed;
    end if;
end $$;
revoke execute on function onceflow.begin_blocks(uuid[], onceflow.begun_block[]) from public;
