-- find_catch(spec, attempts, error) -> int   (internal)
-- What a try answers a failure in it with: 0, another attempt, which its retry has left; or the first catch that is for the
-- code, exact or as a prefix with `*`. Null where it has none.
create or replace function onceflow.find_catch(p_spec jsonb, p_attempts int, p_error jsonb) returns int
language plpgsql volatile as $$
begin
    if p_spec ? 'retry' and onceflow.retry_wait(p_spec -> 'retry', null, p_attempts, 0, p_error) is not null then
        return 0;
    end if;
    return (
        select min(c.n) - 1
        from jsonb_array_elements(p_spec -> 'lists') with ordinality c (list, n)
        where c.n > 1 and (not c.list ? 'errors' or onceflow.is_non_retryable(
            p_error ->> 'code', jsonb_build_object('non_retryable', c.list -> 'errors'))));
end $$;
revoke execute on function onceflow.find_catch(jsonb, int, jsonb) from public;
