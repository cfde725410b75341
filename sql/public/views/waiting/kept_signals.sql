-- Signals that came to instances and that no step has taken: kept until one begins to wait for their name, 1,000 of an instance at most.
create or replace view onceflow.kept_signals as
select d.instance_id, d.name, d.key, d.payload, d.made_at as sent_at, d.id
from onceflow.delivery d
where d.state = 'kept';
