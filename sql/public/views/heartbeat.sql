-- The heartbeat of the clock: when a relay last turned it, and which one, by host and process. Each does so every
-- second; turns: within the last ten.
create or replace view onceflow.heartbeat as
select coalesce(c.last_tick_at > clock_timestamp() - interval '10 seconds', false) as turns,
    c.last_tick_at as turned_at, c.turned_by
from onceflow.clock c;
