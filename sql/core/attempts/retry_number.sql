-- retry_number(policy or error, member, default) -> float8   (internal)
-- A member as a number, cut to what arithmetic can bear; the default where it is absent or none.
-- Policies and errors come from workers in any language, and nothing in them may make a failure fail.
create or replace function onceflow.retry_number(p_policy jsonb, p_member text, p_default float8)
returns float8
language sql immutable parallel safe
return case when jsonb_typeof(p_policy -> p_member) = 'number'
    then round(least(greatest((p_policy ->> p_member)::numeric, 0), 1e9), 9)::float8
    else p_default end;
revoke execute on function onceflow.retry_number(jsonb, text, float8) from public;
