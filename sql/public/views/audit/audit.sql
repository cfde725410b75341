-- Who changed what, when and from where: a row for each target of a change. who is the actor that was claimed, or, where none
-- was, the login; count is more than one where a call changed more than a thousand, and target is the first of them.
-- Only for: operator.
create or replace view onceflow.audit as
select a.id, a.at, coalesce(a.actor, a.login) as who, a.login, a.actor, a.address, a.verb, a.kind, a.target, a.part,
    a.before, a.after, a.count
from onceflow.audit_entry a;
