-- start_children(sorted ids) -> number of deliveries   (internal)
-- Starts those of the instances that a step of another has told to start: for apply_deliveries(), before it locks what is
-- there. The step hears at once of what cannot start, and of what it need not wait for. Of what never began nothing else
-- is delivered.
create or replace function onceflow.start_children(p_ids uuid[]) returns int
language plpgsql volatile as $$
declare
    v_now timestamptz := onceflow.now();
    v_ids uuid[];
    v_starts onceflow.child_start[];
    v_started onceflow.started_child[];
begin
    -- Whoever comes second leaves it to the first.
    v_ids := array(
        select d.instance_id from onceflow.delivery d
        where d.instance_id = any (p_ids) and d.instance_id >= p_ids[1] and d.kind = 'start' and d.state = 'sent'
        order by d.instance_id
        for no key update skip locked);
    if cardinality(v_ids) > 0 then
        v_starts := onceflow.judge_starts(v_ids);
        select array_agg(row(s.outcome, s.instance_id, s.error)::onceflow.started_child order by s.ordinal) into v_started
        from onceflow.start_items(
            array(select s.workflow_id from unnest(v_starts) s), array(select s.version_id from unnest(v_starts) s),
            array(select s.deadline from unnest(v_starts) s), exists (select from unnest(v_starts) s where s.searched),
            array(select s.input from unnest(v_starts) s), array(select s.key from unnest(v_starts) s),
            array(select case when s.error is null then s.instance_id end from unnest(v_starts) s),
            array(select s.error from unnest(v_starts) s), null, null, null, v_now,
            array(select case when not s.detached then s.parent_id end from unnest(v_starts) s),
            array(select case when not s.detached then s.root_id end from unnest(v_starts) s),
            case when exists (select from unnest(v_starts) s where s.trace is not null) then
                array(select s.trace from unnest(v_starts) s) end,
            case when exists (select from unnest(v_starts) s where s.labelled) then '{}'::jsonb[] end) s;
        perform onceflow.answer_starts(v_starts, v_started);
    end if;
    update onceflow.delivery d
    set state = 'void'
    where d.instance_id = any (p_ids) and d.instance_id >= p_ids[1] and d.state = 'sent' and d.kind in ('cancel', 'undo')
        and not exists (select from onceflow.instance i where i.id = d.instance_id)
        and not exists (
            select from onceflow.delivery s
            where s.instance_id = d.instance_id and s.kind = 'start' and s.state = 'sent');
    return cardinality(v_ids);
end $$;
revoke execute on function onceflow.start_children(uuid[]) from public;
