-- shut_scopes(sorted ids, scopes, ways) -> (changes, touched)   (internal)
-- Of scopes that close, given with all beneath them: what was never opened is CANCELLED, what is OPEN is CLOSING, as
-- FAILED where it lies on the way of a failed task, else as CANCELLED; who was to undo itself does so no more where
-- it lies in one that closes. A way back that has begun is finished. o_touched are the scopes that close.
create or replace function onceflow.shut_scopes(
    p_ids uuid[], p_scopes onceflow.closing_scope[], p_ways onceflow.failed_way[],
    out o_changes onceflow.change[], out o_touched onceflow.scope_key[])
language plpgsql volatile as $$
begin
    with closed as (
        update onceflow.scope s
        set state = case k.was when 'WAITING' then 'CANCELLED' else 'CLOSING' end,
            ends_as = case k.was when 'WAITING' then null
                when 'OPEN' then case when k.error is not null then 'FAILED' else 'CANCELLED' end else s.ends_as end,
            error = case k.was when 'OPEN' then k.error else s.error end,
            outermost = k.outermost and (k.was = 'OPEN' or s.outermost),
            undoes = case k.was when 'OPEN' then k.undoes else s.undoes end,
            settled = k.was = 'WAITING'
        from (
            select c.*, s.state as was, w.error
            from unnest(p_scopes) c
            cross join lateral (
                select s.state from onceflow.scope s
                where s.instance_id = c.instance_id and s.scope = c.scope
                    and s.state in ('WAITING', 'OPEN', 'CLOSING')
                    and s.instance_id between p_ids[1] and p_ids[cardinality(p_ids)] offset 0) s
            left join lateral (
                select p.error from unnest(p_ways) p
                where p.instance_id = c.instance_id and p.scope = c.scope) w on true
            offset 0) k
        where s.instance_id = k.instance_id and s.scope = k.scope and s.instance_id >= p_ids[1]
        returning s.instance_id, s.scope, s.block, s.parent, s.visit, k.was, s.state, s.ends_as, s.error
    ), counted as (
        update onceflow.block b
        set failed = b.failed + c.failed, ended = b.ended + c.cancelled
        from (
            select c.instance_id, c.block, c.parent, c.visit,
                count(*) filter (where c.was = 'OPEN' and c.ends_as = 'FAILED') as failed,
                count(*) filter (where c.was = 'WAITING') as cancelled
            from closed c group by 1, 2, 3, 4) c
        where b.instance_id = c.instance_id and b.step = c.block and b.scope = c.parent and b.visit = c.visit
            and b.instance_id >= p_ids[1] and c.failed + c.cancelled > 0
    )
    select coalesce(array_agg(onceflow.scope_change(c.instance_id, c.scope, c.was, c.state, c.error))
            filter (where c.was = 'OPEN'), '{}'),
        coalesce(array_agg(row(c.instance_id, c.scope)::onceflow.scope_key) filter (where c.state = 'CLOSING'), '{}')
    into o_changes, o_touched
    from closed c;

    -- The blocks beneath fire no timeout any more, and their steps do not go on.
    update onceflow.block b
    set timeout_at = null, resume_at = null, unwinds = nullif(b.unwinds, 'closing')
    from unnest(o_touched) k
    cross join lateral (
        select i.version_id from onceflow.instance i where i.id = k.instance_id offset 0) i
    cross join lateral (
        select s.block, s.list from onceflow.scope s
        where s.instance_id = k.instance_id and s.scope = k.scope offset 0) s
    cross join lateral (
        select st.step from onceflow.step st
        where st.version_id = i.version_id and st.block = s.block and st.list = s.list
            and st.is_block offset 0) st
    where b.instance_id = k.instance_id and b.step = st.step and b.scope = k.scope
        and b.instance_id >= p_ids[1] and (b.due_at is not null or b.unwinds = 'closing');
end $$;
revoke execute on function onceflow.shut_scopes(
    uuid[], onceflow.closing_scope[], onceflow.failed_way[]) from public;
