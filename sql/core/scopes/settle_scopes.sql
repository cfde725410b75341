-- settle_scopes(sorted ids, pending counts, touched, due) -> (left, changes, counts, late, planned)   (internal)
-- Moves on those scopes, of which something has changed, in which nothing is open any more: an OPEN one has SUCCEEDED,
-- where its block needs it still; one that is CLOSING begins its way back, where it is to undo itself and can, or
-- ends, once nothing lives beneath it; one that is undone ends, or tells its block.
-- p_pending is what the rows do not count yet; what is not taken into account here is left. o_counts tells the
-- blocks; o_late are scopes that succeed too late and are to be closed; o_planned begin their way back.
create or replace function onceflow.settle_scopes(
    p_ids uuid[], p_pending onceflow.scope_count[], p_touched onceflow.scope_key[], p_due onceflow.placed_task[],
    out o_left onceflow.scope_count[], out o_changes onceflow.change[], out o_counts onceflow.block_count[],
    out o_late onceflow.closing_scope[], out o_planned onceflow.scope_key[])
language plpgsql volatile as $$
declare
    v_settled onceflow.scope_key[];
begin
    with touched as (
        select c.instance_id, c.scope, sum(c.opened) as opened
        from (
            select p.* from unnest(p_pending) p
            union all
            select t.instance_id, t.scope, 0 from unnest(p_touched) t) c
        group by 1, 2
    ), found as (
        select s.*, (st.spec ->> 'join')::int as needed, b.succeeded,
            onceflow.is_undone(st.spec, v.on_failure) as loser_undoes,
            case when s.live = 0 and s.state = 'CLOSING' and s.outermost and s.undoes
                then onceflow.has_undo(s.instance_id, i.version_id, s.scope) else false end as undoable
        from touched t
        cross join lateral (
            select s.* from onceflow.scope s
            where s.instance_id = t.instance_id and s.scope = t.scope
                and s.open + t.opened = 0 and not s.settled offset 0) s
        cross join lateral (
            select i.version_id from onceflow.instance i where i.id = t.instance_id offset 0) i
        cross join lateral (
            select v.on_failure from onceflow.workflow_version v where v.id = i.version_id offset 0) v
        cross join lateral (
            select b.succeeded from onceflow.block b
            where b.instance_id = s.instance_id and b.step = s.block and b.scope = s.parent
                and b.visit = s.visit offset 0) b
        cross join lateral (
            select st.spec from onceflow.step st
            where st.version_id = i.version_id and st.step = s.block offset 0) st
        -- What is due makes rows in this very wave.
        where (t.instance_id, t.scope) not in (select d.instance_id, d.scope from unnest(p_due) d)
    ), ranked as (
        select f.*, f.state = 'OPEN' and f.succeeded + sum((f.state = 'OPEN')::int) over (
            partition by f.instance_id, f.parent, f.block, f.visit order by f.ordinal)
            > f.needed as late
        from found f
    ), judged as (
        select r.*, case
            when r.state = 'OPEN' and r.late is not true then 'SUCCEEDED'
            when r.state = 'CLOSING' and r.live = 0 then case when r.undoable then 'COMPENSATING' else r.ends_as end
            when r.state = 'COMPENSATING' and r.live = 0 then r.ends_as
            else r.state end as becomes,
            case when r.undo = 'under way' and r.live = 0 then 'done'
                when r.undoable then 'under way' else r.undo end as undo_becomes
        from ranked r
    ), moved as (
        update onceflow.scope s
        set state = j.becomes, open = 0, undo = j.undo_becomes,
            ends_as = case when j.becomes in ('CLOSING', 'COMPENSATING') then s.ends_as end,
            settled = j.live = 0 and j.becomes in ('SUCCEEDED', 'FAILED', 'CANCELLED')
        from judged j
        where s.instance_id = j.instance_id and s.scope = j.scope and s.instance_id >= p_ids[1]
        returning s.instance_id, s.scope, s.block, s.parent, s.visit, j.state as was, s.state,
            j.late, j.loser_undoes, s.settled, s.error
    )
    select coalesce(array_agg(onceflow.scope_change(m.instance_id, m.scope, m.was, m.state, m.error))
            filter (where m.state <> m.was and m.state <> 'SUCCEEDED'), '{}'),
        coalesce(array_agg(row(m.instance_id, m.block, m.parent, m.visit,
            case when m.was in ('OPEN', 'CLOSING', 'COMPENSATING')
                and m.state in ('SUCCEEDED', 'FAILED', 'CANCELLED') then 1 else 0 end,
            case when m.was = 'OPEN' and m.state = 'SUCCEEDED' then 1 else 0 end,
            m.settled::int)::onceflow.block_count)
            filter (where m.settled or m.state <> m.was), '{}'),
        coalesce(array_agg(row(m.instance_id, m.scope, true, m.loser_undoes)::onceflow.closing_scope)
            filter (where m.late), '{}'),
        coalesce(array_agg(row(m.instance_id, m.scope)::onceflow.scope_key)
            filter (where m.was = 'CLOSING' and m.state = 'COMPENSATING'), '{}'),
        coalesce(array_agg(row(m.instance_id, m.scope)::onceflow.scope_key), '{}')
    into o_changes, o_counts, o_late, o_planned, v_settled
    from moved m;
    o_left := array(
        select p from unnest(p_pending) p
        where (p.instance_id, p.scope) not in (select k.instance_id, k.scope from unnest(v_settled) k));
end $$;
revoke execute on function onceflow.settle_scopes(
    uuid[], onceflow.scope_count[], onceflow.scope_key[], onceflow.placed_task[]) from public;
