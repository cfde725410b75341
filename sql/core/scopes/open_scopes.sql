-- open_scopes(block, many) -> scopes opened   (internal)
-- Opens the next scopes of a block of a locked instance, in the order of their ordinals.
create or replace function onceflow.open_scopes(p_block onceflow.block, p_many int) returns onceflow.scope_key[]
language plpgsql volatile as $$
declare
    v_version_id constant bigint := (
        select i.version_id from onceflow.instance i where i.id = p_block.instance_id);
    v_opened onceflow.scope_key[];
    v_live int;
begin
    with opened as (
        update onceflow.scope s
        set state = 'OPEN', open = (
            select count(*) from onceflow.step st
            where st.version_id = v_version_id and st.block = s.block and st.list = s.list and st.join_count = 0)
        where s.instance_id = p_block.instance_id and s.parent = p_block.scope and s.block = p_block.step
            and s.visit = p_block.visit and s.ordinal >= p_block.opened and s.ordinal < p_block.opened + p_many
            and s.state = 'WAITING'
        returning s.instance_id, s.scope
    )
    select coalesce(array_agg(row(o.instance_id, o.scope)::onceflow.scope_key order by o.scope), '{}')
    into v_opened
    from opened o;
    update onceflow.block b
    set opened = b.opened + cardinality(v_opened), under_way = b.under_way + cardinality(v_opened),
        live = b.live + cardinality(v_opened)
    where b.instance_id = p_block.instance_id and b.step = p_block.step and b.scope = p_block.scope
        and b.visit = p_block.visit
    returning b.live into v_live;
    if v_live = cardinality(v_opened) then
        perform onceflow.count_live(p_block.instance_id, p_block.scope, 1);
    end if;
    return v_opened;
end $$;
revoke execute on function onceflow.open_scopes(onceflow.block, int) from public;
