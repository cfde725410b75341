-- explain_scope(scope) -> explanation   (internal)
-- What a scope waits for that is closing, or on its way back; null of any other, whose tasks say it.
create or replace function onceflow.explain_scope(p_scope onceflow.scope) returns onceflow.explanation
language sql stable
return row(case p_scope.state
    when 'CLOSING' then format('closing, to end as %s%s: it waits for what still runs', p_scope.ends_as,
        coalesce(' (' || (p_scope.error ->> 'message') || ')', ''))
    when 'COMPENSATING' then format('compensating, one step after the other, to end as %s%s', p_scope.ends_as,
        coalesce(' (' || (p_scope.error ->> 'message') || ')', '')) end, null, null)::onceflow.explanation;
revoke execute on function onceflow.explain_scope(onceflow.scope) from public;
