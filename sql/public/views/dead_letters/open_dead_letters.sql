-- Open dead letters by their keys alone, which an index has: to count them, or to see how many there are before one. What each
-- is stands in dead_letters, and takes a look at its instance.
create or replace view onceflow.open_dead_letters as
select t.instance_id, onceflow.task_name(t.step, t.scope, t.visit) as task, t.queue, t.changed_at as died_at
from onceflow.task t
where t.state = 'DEAD_LETTER' and t.seq is null;
