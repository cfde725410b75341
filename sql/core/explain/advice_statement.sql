-- advice_statement(verb, args) -> text   (internal)
-- What is advised as one types it in SQL; null for what SQL cannot do, such as to start a process.
create or replace function onceflow.advice_statement(p_verb text, p_args jsonb) returns text
language plpgsql immutable as $$
declare
    v_instances text := format('array[%L::uuid]', p_args ->> 'instance');
begin
    return case p_verb
        when 'resume' then format('select * from onceflow.resume_instances(%s)', v_instances)
        when 'resend' then format('select * from onceflow.suspend_instances(%s); '
            'select * from onceflow.resume_instances(%s)', v_instances, v_instances)
        when 'redrive' then format('select * from onceflow.redrive_dead_letters(%s, array[%L])',
            v_instances, p_args ->> 'task')
        when 'answer' then format('select * from onceflow.answer_forms(%s, array[%L], array[%L], array[jsonb ''{}''], array[current_user::text])',
            v_instances, p_args ->> 'task', p_args ->> 'decision')
        when 'signal' then format('select * from onceflow.send_signals(%s, array[%L], array[''null''::jsonb])',
            v_instances, p_args ->> 'signal')
        when 'event' then format('select * from onceflow.send_events(array[%L], array[%L], array[''null''::jsonb])',
            p_args ->> 'event', p_args ->> 'key')
        when 'enable' then format('select * from onceflow.enable_workflows(array[%L])', p_args ->> 'workflow')
        when 'resume_queue' then format('select * from onceflow.resume_queues(array[%L])', p_args ->> 'queue')
        when 'transport' then format('select * from onceflow.switch_transport(%L)', p_args ->> 'transport')
        end;
end $$;
revoke execute on function onceflow.advice_statement(text, jsonb) from public;
