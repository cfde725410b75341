-- explain_paused(queue) -> explanation   (internal)
-- That a queue is paused, and how it goes on; null where it is not.
create or replace function onceflow.explain_paused(p_queue text) returns onceflow.explanation
language plpgsql stable as $$
declare
    v_paused_at timestamptz := (select q.paused_at from onceflow.queue q where q.name = p_queue);
begin
    return case when v_paused_at is not null then row(
        format('held back: queue %s has been paused since %s; resume it', quote_ident(p_queue), onceflow.time_text(v_paused_at)),
        'resume_queue', jsonb_build_object('queue', p_queue))::onceflow.explanation end;
end $$;
revoke execute on function onceflow.explain_paused(text) from public;
