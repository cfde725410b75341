-- record_audit(verb, kind, targets, parts, before, after, by) -> void   (internal)
-- Notes for the audit that a call has changed these, one row each; of more than a thousand one row for all, which has how
-- many, and the first hundred. Called in the transaction of the change, for what has changed alone. The arrays beside
-- p_targets are as long, or null; p_by may also be one, of all. The actor is the setting onceflow.actor, which api, command
-- line and client make for their transaction, else p_by. No payloads: erase_instances() does not look here.
create or replace function onceflow.record_audit(
    p_verb text, p_kind text, p_targets text[], p_parts text[] default null,
    p_before jsonb[] default null, p_after jsonb[] default null, p_by text[] default null) returns void
language plpgsql volatile as $$
declare
    v_count constant int := coalesce(cardinality(p_targets), 0);
    v_actor constant text := onceflow.claimed_text(current_setting('onceflow.actor', true), 200);
    v_address constant text := coalesce(
        onceflow.claimed_text(current_setting('onceflow.address', true), 100), host(inet_client_addr()));
begin
    if v_count = 0 then
        return;
    end if;
    insert into onceflow.audit_entry (at, login, actor, address, verb, kind, target, part, before, after, count)
    select clock_timestamp(), session_user,
        coalesce(v_actor, onceflow.claimed_text(coalesce(p_by[t.n], p_by[1]), 200)), v_address,
        p_verb, p_kind, left(t.target, 500), left(p_parts[t.n], 500),
        case when octet_length(p_before[t.n]::text) <= 2000 then p_before[t.n] end,
        case when v_count > 1000 then jsonb_build_object('first', (
                select jsonb_agg(concat_ws('/', left(f.target, 200), left(p_parts[f.n], 200)) order by f.n)
                from unnest(p_targets[:100]) with ordinality f (target, n)))
            when octet_length(p_after[t.n]::text) <= 2000 then p_after[t.n] end,
        case when v_count > 1000 then v_count else 1 end
    from unnest(case when v_count > 1000 then p_targets[:1] else p_targets end) with ordinality t (target, n)
    order by t.n;
end $$;
revoke execute on function onceflow.record_audit(text, text, text[], text[], jsonb[], jsonb[], text[]) from public;
