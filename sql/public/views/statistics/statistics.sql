-- Sums of what has happened, by spans of 60 s (kept for three hours), 600 s (two days), 3600 s (35 days) and 86400 s (two
-- years), which begin at `at`. step is empty for the instances themselves; workflow is empty for all of them, and step then *
-- for all steps. outcome: the state entered, RUNNING being a start or a claim. Of `measured` of them it is known how long
-- they took, total_seconds together: a claim since the task was due, another outcome of an attempt since its claim, the end
-- of an instance since its start; buckets count those of up to 1 ms, 2 ms, 4 ms … twelve days, and longer.
-- Also for: relay.
create or replace view onceflow.statistics as
select s.seconds, s.at, s.workflow, s.step, s.outcome, s.count, s.measured, s.total as total_seconds, s.buckets
from onceflow.statistic s;
