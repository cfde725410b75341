-- explain_chain(block, step) -> text   (internal)
-- Which round or attempt of a block is under way, or what it waits for between two of them.
create or replace function onceflow.explain_chain(p_block onceflow.block, p_step onceflow.step) returns text
language plpgsql stable as $$
declare
    v_is_try constant boolean := p_step.kind = 'try';
    v_error constant text := (p_block.plan #>> '{error,code}') || coalesce(': ' || (p_block.plan #>> '{error,message}'), '');
    v_until constant text := onceflow.time_text(p_block.resume_at);
    v_many constant text := onceflow.count_text(p_block.total);
begin
    if p_block.resume_at <= onceflow.now() then
        return format('its next %s is due since %s, and the clock has to begin it', case when v_is_try then 'attempt'
            else 'round' end, v_until);
    elsif v_is_try and p_block.resume_at is not null then
        return format('attempt %s failed with %s; the next begins at %s', v_many, v_error, v_until);
    elsif p_block.resume_at is not null then
        return format('%s of at most %s rounds have ended; the next begins at %s', v_many,
            onceflow.count_text((p_step.spec ->> 'limit')::int), v_until);
    elsif p_block.plan is not null then
        return format('attempt %s failed with %s; %s follows once all that it did has ended', v_many, v_error,
            case p_block.plan ->> 'list' when '0' then 'another one' else 'its catch' end);
    elsif p_block.caught is not null then
        return format('its catch of %s is under way', p_block.caught);
    elsif v_is_try then
        return format('attempt %s is under way', v_many);
    end if;
    return format('round %s of at most %s is under way', v_many, onceflow.count_text((p_step.spec ->> 'limit')::int));
end $$;
revoke execute on function onceflow.explain_chain(onceflow.block, onceflow.step) from public;
