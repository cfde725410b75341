-- failed_output(version, step) -> jsonb   (internal)
-- What a step gives that has failed for good in an instance that goes on: its `default`, or null.
create or replace function onceflow.failed_output(p_version_id bigint, p_step text) returns jsonb
language plpgsql stable as $$
begin
    return (select s.spec -> 'default' from onceflow.step s where s.version_id = p_version_id and s.step = p_step);
end $$;
revoke execute on function onceflow.failed_output(bigint, text) from public;
