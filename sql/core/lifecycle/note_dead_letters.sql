-- note_dead_letters(sorted ids) -> void   (internal)
-- Tells of locked instances whether a dead letter of them is open: suspended_by is 'dead_letter' while one is. It
-- holds nothing, and an operator's suspension, which does, is told in its stead.
create or replace function onceflow.note_dead_letters(p_ids uuid[]) returns void
language plpgsql volatile as $$
declare
    v_now constant timestamptz := onceflow.now();
begin
    if cardinality(p_ids) = 0 then
        return;
    end if;
    update onceflow.instance i
    set suspended_by = case when k.open then 'dead_letter' end,
        suspended_at = case when k.open then v_now end
    from (
        select i.id, exists (
            select from onceflow.task t
            where t.instance_id = i.id and t.instance_id >= p_ids[1]
                and t.state = 'DEAD_LETTER' and t.seq is null) as open
        from onceflow.instance i
        where i.id = any (p_ids) and i.id >= p_ids[1] and i.ended_at is null
        offset 0) k
    where i.id = k.id and i.id >= p_ids[1]
        and i.suspended_by is distinct from 'operator' and (i.suspended_by is not null) <> k.open;
end $$;
revoke execute on function onceflow.note_dead_letters(uuid[]) from public;
