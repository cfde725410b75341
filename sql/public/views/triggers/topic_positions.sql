-- Where triggers stand in their topics: of each partition the offset of the record that is taken next, and how many lie
-- between it and the end of the log, as far as a relay has seen that; null where none has yet.
create or replace view onceflow.topic_positions as
select w.name as workflow, p.trigger, p.topic, p.partition, p.position, p.log_end,
    p.log_end - least(p.log_end, p.position) as lag, p.taken_at
from onceflow.topic_position p
join onceflow.workflow w on w.id = p.workflow_id;
