-- How many instances have started, and ended, by the labels that ONCEFLOW_METRIC_LABELS names, in the spans that onceflow.statistics has. outcome: the
-- state entered, RUNNING being a start. Of a label and a workflow a hundred values have rows of their own in a span, the others
-- are * together.
-- Also for: relay.
create or replace view onceflow.label_statistics as
select s.seconds, s.at, s.workflow, s.label, s.value, s.outcome, s.count
from onceflow.label_statistic s;
