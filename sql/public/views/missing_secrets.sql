-- Secrets that tasks wait for, since the worker that was to run them had them not.
create or replace view onceflow.missing_secrets as
select m.secret, t.queue, count(*) as waiting, min(t.changed_at) as since
from onceflow.task t
cross join lateral jsonb_array_elements_text(t.error -> 'missing_secrets') m (secret)
where t.held_by = 'secret'
group by m.secret, t.queue;
