-- next_attempt(block, spec) -> chain_move   (internal)
-- What a try does next: its first attempt; once one has failed, and what it did is undone, another one behind the wait of its
-- retry, or the catch that was found (find_catch); once a list has succeeded, the end.
create or replace function onceflow.next_attempt(p_block onceflow.block, p_spec jsonb) returns onceflow.chain_move
language plpgsql volatile as $$
declare
    v_list constant int := p_block.plan ->> 'list';
    v_error constant jsonb := p_block.plan -> 'error';
    v_wait interval;
begin
    if p_block.succeeded > 0 then
        return row('end', null, null, null, null, null)::onceflow.chain_move;
    elsif v_list > 0 then
        return row(case when p_spec -> 'lists' -> v_list ->> 'last' is null then 'end' else 'open' end,
            v_list, v_error, v_error ->> 'code', null, null)::onceflow.chain_move;
    elsif v_list = 0 and p_block.resume_at is null then
        v_wait := onceflow.retry_wait(p_spec -> 'retry', null, p_block.total, 0, v_error);
    end if;
    return row(case when v_wait > interval '0' then 'wait' else 'open' end,
        0, null, null, onceflow.now() + v_wait, null)::onceflow.chain_move;
end $$;
revoke execute on function onceflow.next_attempt(onceflow.block, jsonb) from public;
