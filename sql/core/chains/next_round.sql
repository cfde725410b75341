-- next_round(block, version, spec, given) -> chain_move   (internal)
-- What a repeat does next: as soon as a round has ended, and before the first one too where it is a `while`, its condition is
-- asked, then the limit; then its delay passes, and the next round opens. p_given, {place, value}, is what a person says
-- that the condition should have given.
create or replace function onceflow.next_round(
    p_block onceflow.block, p_version_id bigint, p_spec jsonb, p_given jsonb)
returns onceflow.chain_move
language plpgsql volatile as $$
declare
    v_asked constant text := case when p_spec ? 'until' then 'until' else 'while' end;
    v_found onceflow.evaluation;
begin
    if p_block.resume_at is not null then
        return row('open', 0, null, null, null, null)::onceflow.chain_move;
    end if;
    if p_block.total > 0 or v_asked = 'while' then
        v_found := onceflow.ask_round(p_block, p_version_id, p_spec, v_asked, p_given);
        if v_found.error is not null then
            return row('fail', null, null, null, null, v_found.error)::onceflow.chain_move;
        elsif v_found.value = to_jsonb(v_asked = 'until') then
            return row('end', null, null, null, null, null)::onceflow.chain_move;
        end if;
    end if;
    if p_block.total >= (p_spec ->> 'limit')::int then
        return row('fail', null, null, null, null, jsonb_build_object('code', 'flow.limit', 'place', 'limit', 'message',
            format('%s rounds were not enough', p_spec ->> 'limit')))::onceflow.chain_move;
    elsif p_block.total > 0 and p_spec ? 'delay' then
        return row('wait', null, null, null,
            onceflow.now() + make_interval(secs => (p_spec ->> 'delay')::float8), null)::onceflow.chain_move;
    end if;
    return row('open', 0, null, null, null, null)::onceflow.chain_move;
end $$;
revoke execute on function onceflow.next_round(onceflow.block, bigint, jsonb, jsonb) from public;
