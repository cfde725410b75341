-- explain_block(task, step) -> explanation   (internal)
-- What a block that is under way waits for: how many of its scopes have ended, as what, and how many there may be at once.
create or replace function onceflow.explain_block(p_task onceflow.task, p_step onceflow.step) returns onceflow.explanation
language plpgsql stable as $$
declare
    v_block onceflow.block;
    v_needed constant int := p_step.spec ->> 'join';
    v_limit constant int := p_step.spec ->> 'max_parallel';
    v_tolerated constant text := coalesce((p_step.spec ->> 'percent') || ' %', nullif(p_step.spec ->> 'tolerate', '0'));
    v_open text;
    v_told text;
begin
    select * into v_block from onceflow.block b
    where b.instance_id = p_task.instance_id and b.step = p_task.step and b.scope = p_task.scope and b.visit = p_task.visit;
    if v_block.instance_id is null then
        return null;  -- it joins, and has not begun
    end if;
    if p_step.is_chain then
        v_told := onceflow.explain_chain(v_block, p_step);
    elsif p_step.kind in ('steps', 'switch') then
        v_told := 'its steps are under way';
    else
        v_told := format('%s of %s have ended', onceflow.count_text(v_block.ended), onceflow.count_text(v_block.total))
            || case when v_block.failed > 0 then format(', %s failed', onceflow.count_text(v_block.failed))
                when v_tolerated is not null then ', none failed' else '' end
            || coalesce(' (' || v_tolerated || ' tolerated)', '')
            || coalesce(', ' || onceflow.count_text(v_block.succeeded) || ' of the ' || onceflow.count_text(v_needed)
                || ' that it needs succeeded', '')
            || case when v_limit < v_block.total then format(', %s at a time', onceflow.count_text(v_limit)) else '' end;
        if p_step.kind in ('parallel', 'race') and v_block.total - v_block.ended between 1 and 5 then
            select string_agg(p_step.spec #>> array['lists', c.list::text, 'name'], ', ' order by c.ordinal)
            into v_open
            from onceflow.scope c
            where c.instance_id = p_task.instance_id and c.parent = p_task.scope and c.block = p_task.step
                and c.visit = p_task.visit and c.state not in ('SUCCEEDED', 'FAILED', 'CANCELLED');
            v_told := v_told || coalesce('; under way: ' || v_open, '');
        end if;
    end if;
    return row(v_told
        || case v_block.unwinds
            when 'closing' then '; it has failed, and goes on once what still runs in it has ended'
            when 'undoing' then '; it has failed, and goes on once what was done in it is undone'
            else '' end
        || coalesce(case when v_block.timeout_at <= onceflow.now()
            then '; past its timeout since ' || onceflow.time_text(v_block.timeout_at) || ', by which the clock ends it'
            else '; times out at ' || onceflow.time_text(v_block.timeout_at) end, ''), null, null)::onceflow.explanation;
end $$;
revoke execute on function onceflow.explain_block(onceflow.task, onceflow.step) from public;
