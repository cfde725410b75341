-- held_headers(instance, step) -> headers   (internal)
-- Of the message of a task that was held: the name of its handler. A function, so that a transition that sends
-- no such message does not start a plan over all partitions of the instances.
create or replace function onceflow.held_headers(p_id uuid, p_step text)
returns jsonb
language plpgsql stable as $$
begin
    return (
        select jsonb_build_object('handler', s.handler)
        from onceflow.instance i
        join onceflow.step s on s.version_id = i.version_id and s.step = p_step
        where i.id = p_id);
end $$;
revoke execute on function onceflow.held_headers(uuid, text) from public;
